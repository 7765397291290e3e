// AnalysisReport once more, as a schema that checks at run time; the compiler holds the two together.
import { z } from "zod";
import type {
  AnalysisReport,
  CostInfo,
  DataInfo,
  DifferentiatedInfo,
  EigenInfo,
  Eigenpair,
  GridValues,
  HealthCheck,
  ModelInfo,
  ProvenanceInfo,
  TraceInfo,
} from "./analysis-report.ts";

const count = z.int().nonnegative();
const finite = z.number();
const maybe = finite.nullable();
const hash = z.string();
const values = z.array(maybe).readonly();

const tensor = z.object({ name: z.string(), shape: z.array(count).readonly(), offset: count, size: count });

const model = z.object({
  name: z.string(),
  sha256: hash,
  opset: count,
  producer: z.string(),
  parameters: count,
  tensors: z.array(tensor).readonly(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })).readonly(),
  obstacle: z.string().optional(),
});

const samples = z.object({ samples: count, sha256: hash });

const data = z.object({
  train: samples,
  test: samples.nullable(),
  loss: z.string(),
  classes: count.nullable(),
});

const lossValue = z.object({ loss: finite, accuracy: maybe });

const checkpoint = z.object({
  train: lossValue,
  test: lossValue.nullable(),
  lossNoise: maybe,
  gradientNorm: maybe,
  gradientNoise: maybe,
  groups: count,
  thetaNorm: finite,
});

const differentiated = checkpoint.extend({ gradientNorm: finite });

const sentence = z.object({
  id: z.enum(["slope", "saddle", "curvature", "random-plane", "gain"]),
  answer: z.enum(["yes", "no", "cannot tell"]),
  text: z.string(),
  evidence: z.array(z.string()).readonly(),
});

const pair = z.object({
  value: finite,
  residual: finite,
  converged: z.boolean(),
  end: z.enum(["top", "bottom"]),
  multiplicity: count.optional(),
  slope: finite,
});

const hvp = z.enum(["fd", "exact", "ggn", "fisher"]);
const stopped = z.enum(["converged", "noise", "complete", "limit"]);

const eigenpairs = z.object({
  pairs: z.array(pair).readonly(),
  products: count,
  method: z.enum(["lanczos", "annihilation"]).optional(),
  hvp,
  kinks: z.enum(["frozen", "moving"]),
  step: maybe,
  stopped: stopped.optional(),
  moving: z
    .object({ top: finite, bottom: finite, cosTop: finite, cosBottom: finite, relativeStep: finite })
    .nullable(),
});

const trace = z.object({
  value: finite,
  standardError: finite,
  probes: count,
  estimator: z.enum(["hutchinson", "hutch++", "xtrace", "curvature"]),
  meanCurvature: finite,
  frobeniusNorm: finite,
  frobeniusStandardError: finite,
});

const direction = z.object({
  id: z.string(),
  role: z.enum(["top", "bottom", "random", "filter"]),
  label: z.string(),
  slope: maybe,
  curvature: maybe,
  curvatureError: maybe,
});

const gridValues = z.object({
  loss: z.array(values).readonly(),
  accuracy: z.array(values).readonly().nullable(),
  nonFinite: count,
  minimum: z.object({ x: finite, y: finite, loss: finite }),
});

const refined = z.object({
  x: z.array(finite).readonly(),
  y: z.array(finite).readonly(),
  train: gridValues,
  test: z.object({ loss: maybe, accuracy: maybe }).nullable(),
  error: z.object({ x: finite, y: finite, loss: maybe }),
});

const plane = z.object({
  kind: z.enum(["hessian", "random", "filter"]),
  xDirection: z.string(),
  yDirection: z.string(),
  cosine: finite,
  x: z.array(finite).readonly(),
  y: z.array(finite).readonly(),
  train: gridValues,
  test: gridValues.nullable(),
  range: z.string(),
  refined: refined.optional(),
});

const line = z.object({ loss: values, accuracy: values.nullable() });

const profile = z.object({
  direction: z.string(),
  t: z.array(finite).readonly(),
  train: line,
  test: line.nullable(),
  minimum: z.object({ t: finite, loss: finite, testLoss: maybe }),
});

const scaleCurve = z.object({
  direction: z.string(),
  relativeStep: z.array(finite).readonly(),
  curvature: z.array(finite).readonly(),
  error: z.array(finite).readonly(),
  hessian: finite,
  hessianError: finite,
});

const tensorShare = z.object({
  name: z.string(),
  size: count,
  trace: maybe,
  traceStandardError: maybe,
  energyTop: maybe,
  energyBottom: maybe,
});

const measured = z.object({ value: finite, standardError: finite });

const density = z.object({
  steps: count,
  quadratures: z
    .array(z.object({ nodes: z.array(finite).readonly(), weights: z.array(finite).readonly() }))
    .readonly(),
  mass: finite,
  first: measured,
  second: measured,
  resolution: finite,
  negative: measured,
  positive: measured,
});

const ends = z.object({ top: finite, bottom: finite });

const subsets = z.object({
  subsets: z
    .array(
      z.object({
        samples: count,
        top: maybe,
        topResidual: maybe,
        topConverged: z.boolean().nullable(),
        bottom: maybe,
        bottomResidual: maybe,
        bottomConverged: z.boolean().nullable(),
        cosTop: maybe,
        cosBottom: maybe,
        alongTop: maybe,
        alongTopError: maybe,
        alongBottom: maybe,
        alongBottomError: maybe,
        stopped: stopped.optional(),
      }),
    )
    .readonly(),
  between: z.object({ top: maybe, bottom: maybe }),
  products: count,
});

const randomSlices = z.object({
  planes: count,
  outliers: ends,
  kappaPlus: measured,
  kappaMinus: measured,
  meanPlane: z.object({ plus: finite, minus: finite }),
  saddles: count,
  saddleShare: finite,
  interval: z.object({ low: finite, high: finite }),
  byProbe: z.array(finite).readonly(),
  limit: finite,
  effectiveCount: finite,
  trace: finite,
  frobeniusNorm: finite,
  histogram: z.object({
    edges: z.array(finite).readonly(),
    plus: z.array(count).readonly(),
    minus: z.array(count).readonly(),
  }),
});

const lossSlices = z.object({
  planes: count,
  kappaPlus: measured,
  kappaMinus: measured,
  saddles: count,
  saddleShare: finite,
  interval: z.object({ low: finite, high: finite }),
  displacement: finite,
});

const healthCheck = z.object({
  id: z.string(),
  status: z.enum(["ok", "look", "failed", "not done"]),
  label: z.string(),
  text: z.string(),
});

const cost = z.object({
  seconds: finite,
  phases: z.array(z.object({ name: z.string(), seconds: finite, units: finite })).readonly(),
  peakMemoryBytes: finite,
  resumed: z.boolean(),
});

const provenance = z.object({
  created: z.string(),
  command: z.string(),
  modelPath: z.string(),
  trainPath: z.string(),
  testPath: z.string().nullable(),
  versions: z.record(z.string(), z.string()),
  device: z.string(),
  threads: count,
  workers: count,
  batch: count,
  seed: z.number(),
  options: z.record(z.string(), z.unknown()),
});

const report = z.object({
  schema: z.literal("onnx-landscape/report/1"),
  model,
  data,
  checkpoint,
  verdict: z.array(sentence).readonly(),
  eigenpairs: eigenpairs.nullable(),
  trace: trace.nullable(),
  directions: z.array(direction).readonly(),
  planes: z.array(plane).readonly(),
  profiles: z.array(profile).readonly(),
  curvatureByScale: z.array(scaleCurve).readonly(),
  where: z.array(tensorShare).readonly(),
  density: density.nullable(),
  subsets: subsets.nullable(),
  randomSlices: randomSlices.nullable(),
  lossSlices: lossSlices.optional(),
  health: z.array(healthCheck).readonly(),
  cost,
  provenance,
});

/** What other reports are made of too. */
export const reportParts: {
  readonly model: z.ZodType<ModelInfo>;
  readonly data: z.ZodType<DataInfo>;
  readonly checkpoint: z.ZodType<DifferentiatedInfo>;
  readonly pair: z.ZodType<Eigenpair>;
  readonly hvp: z.ZodType<EigenInfo["hvp"]>;
  readonly stopped: z.ZodType<NonNullable<EigenInfo["stopped"]>>;
  readonly trace: z.ZodType<TraceInfo>;
  readonly gridValues: z.ZodType<GridValues>;
  readonly healthCheck: z.ZodType<HealthCheck>;
  readonly cost: z.ZodType<CostInfo>;
  readonly provenance: z.ZodType<ProvenanceInfo>;
} = {
  model,
  data,
  checkpoint: differentiated,
  pair,
  hvp,
  stopped,
  trace,
  gridValues,
  healthCheck,
  cost,
  provenance,
};

// Not a value but a check: without it the schema could ask for more than the interface has.
const exact: AnalysisReport extends z.infer<typeof report> ? typeof report : never = report;

/** Accepts what AnalysisReport describes; fields it does not know are dropped, since fields are only added. */
export const analysisReportSchema: z.ZodType<AnalysisReport> = exact;

/** The same as JSON Schema, published as report.schema.json. */
export function reportJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(analysisReportSchema, { io: "input" });
  return { $schema, title: "onnx-landscape report, version 1", ...rest };
}
