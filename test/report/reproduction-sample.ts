import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { reproductionFindings } from "../../src/analysis/reproduction/findings.ts";
import { paperNetworks } from "../../src/analysis/reproduction/paper.ts";
import { networkRow, type Toy, toys } from "../../src/analysis/reproduction/parts.ts";
import type {
  NetworkCase,
  ReproductionReport,
  ToyCase,
  TraceComparison,
} from "../../src/analysis/reproduction/report.ts";
import { ensembleConvergence, saddleLimit, summarizePlanes } from "../../src/numerics/index.ts";
import { pair } from "../support/findings.ts";
import { sampleReport, uniform } from "./sample.ts";

/** All experiments with numbers drawn from the distributions that the paper gives for them. */
export function sampleReproduction(change: Partial<ReproductionReport> = {}): ReproductionReport {
  const analysis = sampleReport();
  const networks: NetworkCase[] = [
    { name: "fcnn2", group: "function approximators", analysis: regression(analysis) },
    { name: "resnet20", group: "image classifiers", analysis },
  ];
  const found = {
    toys: toys.map(sampleToy),
    traces: [sampleTraces("T2, ñ = 550", 100, 0), sampleTraces("fcnn2", null, 0.4)],
    table: networks.flatMap((n) => networkRow(n) ?? []),
  };
  return {
    schema: "onnx-landscape/reproduction/1",
    findings: reproductionFindings(found),
    ...{ ...found, networks },
    paper: paperNetworks.map((n, k) => ({
      ...n,
      missing: k === 0 ? null : `no ${n.name}.onnx in the folder`,
      parametersHere: k === 0 ? n.parameters : null,
    })),
    leftOut: [{ name: "tiny-mse", why: "its data are missing" }],
    cost: { seconds: 100, phases: [], peakMemoryBytes: 1e9, resumed: false },
    provenance: {
      created: "2026-01-01T00:00:00.000Z",
      command: "onnx-landscape reproduce",
      versions: { "onnx-landscape": "0.1.0" },
      ...{ device: "cpu", threads: 1, seed: 0, options: { slices: 300 } },
    },
    ...change,
  };
}

/** A network without classes. */
function regression(analysis: AnalysisReport): AnalysisReport {
  const { checkpoint, planes } = analysis;
  return {
    ...analysis,
    checkpoint: {
      ...checkpoint,
      train: { ...checkpoint.train, accuracy: null },
      test: checkpoint.test && { ...checkpoint.test, accuracy: null },
    },
    planes: planes.map((p) => ({
      ...p,
      train: { ...p.train, accuracy: null },
      test: p.test && { ...p.test, accuracy: null },
    })),
  };
}

/** Sums of two uniform numbers less two others have about the tails of a normal one. */
function normal(draw: () => number): number {
  return (draw() + draw() - draw() - draw()) * Math.sqrt(3);
}

function sampleToy({ name, model, n, tilde }: Toy, k: number): ToyCase {
  const [trace, frobenius] = [2 * (tilde - n), Math.sqrt(2 * n)];
  const draw = uniform(k + 1);
  const forms = Array.from({ length: 300 }, () => ({
    a: trace + Math.SQRT2 * frobenius * normal(draw),
    b: frobenius * normal(draw),
    c: trace + Math.SQRT2 * frobenius * normal(draw),
  }));
  const { kappaPlus, kappaMinus, meanPlane, saddles, saddleShare, interval } = summarizePlanes(forms);
  const half = Math.sqrt(Math.PI / 2) * frobenius;
  return {
    ...{ name, model, parameters: 2 * n + 1, trace, frobenius },
    eigenpairs: [pair("top", 1, 1e-7), pair("bottom", -1, 1e-7)],
    planes: forms.map(({ a, b, c }) => [a, b, c] as const),
    kappaPlus: { value: kappaPlus.mean, standardError: kappaPlus.standardError },
    kappaMinus: { value: kappaMinus.mean, standardError: kappaMinus.standardError },
    expected: { plus: trace + half, minus: trace - half },
    meanPlane,
    ...{ saddles, saddleShare, interval, limit: saddleLimit(trace, frobenius) },
    convergence: ensembleConvergence(forms),
  };
}

function sampleTraces(name: string, exact: number | null, kinks: number): TraceComparison {
  const draw = uniform(name.length);
  const directions = Array.from({ length: 40 }, () => {
    const hutchinson = 100 + 45 * normal(draw);
    return { hutchinson, curvature: hutchinson * (1 + kinks * draw()) };
  });
  const estimate = (values: number[]) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    return { value: mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
  };
  return {
    ...{
      name,
      parameters: 1001,
      points: 50,
      displacement: 0.02,
      relativeDisplacement: 0.02,
      exact,
      directions,
    },
    curvature: estimate(directions.map((d) => d.curvature)),
    hutchinson: estimate(directions.map((d) => d.hutchinson)),
  };
}
