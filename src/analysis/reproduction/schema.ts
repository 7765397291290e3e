// ReproductionReport once more, as a schema that checks at run time; the compiler holds the two together.
import { z } from "zod";
import { analysisReportSchema, reportParts } from "../schema.ts";
import type { ReproductionReport } from "./report.ts";

const count = z.int().nonnegative();
const finite = z.number();

const estimate = z.object({ value: finite, standardError: finite });
const curvatures = z.object({ plus: finite, minus: finite });
const interval = z.object({ low: finite, high: finite });

const toy = z.object({
  name: z.string(),
  model: z.string(),
  parameters: count,
  eigenpairs: z.array(reportParts.pair).readonly(),
  trace: finite,
  frobenius: finite,
  planes: z.array(z.tuple([finite, finite, finite]).readonly()).readonly(),
  kappaPlus: estimate,
  kappaMinus: estimate,
  expected: curvatures,
  meanPlane: curvatures,
  saddles: count,
  saddleShare: finite,
  interval,
  limit: finite,
  convergence: z
    .array(
      z.object({
        planes: count,
        kappaPlus: finite,
        kappaMinus: finite,
        ofMean: curvatures,
        saddleShare: finite,
      }),
    )
    .readonly(),
});

const comparison = z.object({
  name: z.string(),
  parameters: count,
  points: count,
  displacement: finite,
  relativeDisplacement: finite,
  curvature: estimate,
  hutchinson: estimate,
  directions: z.array(z.object({ curvature: finite, hutchinson: finite })).readonly(),
  exact: finite.nullable(),
});

const group = z.enum(["function approximators", "image classifiers"]);
const loss = z.object({ loss: finite, accuracy: finite.nullable() });
const point = z.object({ train: loss, test: loss.nullable() });
const minimum = point.extend({ x: finite, y: finite });
const end = z.object({ value: finite, residual: finite });

const row = z.object({
  name: z.string(),
  group,
  parameters: count,
  samples: count,
  top: end,
  bottom: end,
  trace: estimate,
  saddles: interval.extend({ share: finite }).nullable(),
  checkpoint: point,
  random: minimum,
  hessian: minimum,
});

const paper = z.object({
  name: z.string(),
  title: z.string(),
  group,
  parameters: count,
  reports: z.string(),
  missing: z.string().nullable(),
  parametersHere: count.nullable(),
});

const report = z.object({
  schema: z.literal("onnx-landscape/reproduction/1"),
  findings: z
    .array(z.object({ id: z.string(), text: z.string(), evidence: z.array(z.string()).readonly() }))
    .readonly(),
  toys: z.array(toy).readonly(),
  traces: z.array(comparison).readonly(),
  table: z.array(row).readonly(),
  networks: z.array(z.object({ name: z.string(), group, analysis: analysisReportSchema })).readonly(),
  paper: z.array(paper).readonly(),
  leftOut: z.array(z.object({ name: z.string(), why: z.string() })).readonly(),
  cost: reportParts.cost,
  provenance: z.object({
    created: z.string(),
    command: z.string(),
    versions: z.record(z.string(), z.string()),
    device: z.string(),
    threads: count,
    seed: finite,
    options: z.record(z.string(), z.unknown()),
  }),
});

// Not a value but a check: without it the schema could ask for more than the interface has.
const exact: ReproductionReport extends z.infer<typeof report> ? typeof report : never = report;

/** Accepts what ReproductionReport describes; fields it does not know are dropped, since fields are only added. */
export const reproductionReportSchema: z.ZodType<ReproductionReport> = exact;

/** The same as JSON Schema, published as reproduction.schema.json; each network's analysis is one of report.schema.json. */
export function reproductionJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(reproductionReportSchema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      if ((zodSchema as unknown) !== analysisReportSchema) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      jsonSchema.$ref = "report.schema.json";
    },
  });
  return { $schema, title: "onnx-landscape reproduction, version 1", ...rest };
}
