import type { AnalysisReport, GridValues, Plane, Profile } from "../../src/analysis/analysis-report.ts";
import { gridValues, range, sampleReport } from "./sample.ts";

/** Reports that are hard to draw, each by one thing. */
export const variants: Readonly<Record<string, () => AnalysisReport>> = {
  sample: sampleReport,
  "cells without a finite loss": () =>
    withPlanes((v, i, j) => (i + j > 44 || (i === 9 && j === 9) ? null : v)),
  "no test data": withoutTest,
  "regression, tiny losses": regression,
  "nothing converged": notConverged,
  "losses around zero": () => shifted(-0.1),
  "negative losses": () => shifted(-50),
  "a flat landscape": flat,
  "long tensor names": () => renamed((name) => `backbone/stages.${"very.".repeat(20)}deep/${name}`),
  "markup in names": markup,
  "nothing computed": nothing,
  "one sample": oneSample,
  "huge losses": () => withPlanes((v, i, j) => v * (i === 0 && j < 3 ? 1e9 : 1)),
  "no negative curvature": noNegative,
  "subsets of the data": withSubsets,
  "minima on the border, many digits": cornered,
};

function withPlanes(f: (value: number, i: number, j: number) => number | null): AnalysisReport {
  const report = sampleReport();
  const change = (
    plane: Pick<Plane, "x" | "y">,
    values: GridValues,
    at: (k: number) => number = (k) => k,
  ): GridValues => {
    const loss = values.loss.map((row, i) => row.map((v, j) => (v === null ? null : f(v, at(i), at(j)))));
    const accuracy = values.accuracy?.map((row, i) => row.map((v, j) => (loss[i]![j] === null ? null : v)));
    return gridValues(plane.x, plane.y, loss, accuracy ?? null);
  };
  const planes = report.planes.map((p) => ({
    ...p,
    train: change(p, p.train),
    test: p.test && change(p, p.test),
    // Around the middle of the plane.
    refined: p.refined && {
      ...p.refined,
      train: change(p.refined, p.refined.train, () => 15),
    },
  }));
  return { ...report, planes };
}

function withProfiles(report: AnalysisReport, f: (loss: number) => number): Profile[] {
  const line = <T extends Profile["train"] | null>(values: T): T =>
    values && { ...values, loss: values.loss.map((v) => (v === null ? null : f(v))) };
  return report.profiles.map((p) => ({
    ...p,
    train: line(p.train),
    test: line(p.test),
    minimum: { t: p.minimum.t, loss: f(p.minimum.loss), testLoss: f(p.minimum.testLoss!) },
  }));
}

/** λ₋ has another sign on one of them; the last one is not converged. */
function withSubsets(): AnalysisReport {
  const subset = (top: number, bottom: number, k: number) => ({
    samples: 32,
    ...{
      top,
      topResidual: 0.02,
      topConverged: true,
      cosTop: 0.9 - k / 10,
      alongTop: 0.9 * top,
      alongTopError: 0.01,
    },
    ...{ bottom, bottomResidual: 0.04, bottomConverged: k < 3, cosBottom: 0.8 - k / 5 },
    ...{ alongBottom: bottom / 2, alongBottomError: 0.01 },
  });
  const values: [number, number][] = [
    [641, -7.7],
    [361, -18.2],
    [290, 0.2],
    [402, -5.1],
  ];
  const subsets = values.map(([top, bottom], k) => subset(top, bottom, k));
  return { ...sampleReport(), subsets: { subsets, between: { top: 0.8, bottom: 0.3 }, products: 140 } };
}

/** Negative places and small losses with an exponent each, lowest in a corner. */
function cornered(): AnalysisReport {
  const { planes, ...report } = regression();
  const axis = (values: readonly number[]) => values.map((v) => v * 1.234e-4);
  const grid = (values: GridValues, x: readonly number[], y: readonly number[]): GridValues => {
    const loss = values.loss.map((row, i) => row.map((v, j) => (i + j === 0 ? 1.234e-8 : v)));
    return gridValues(x, y, loss, null);
  };
  return {
    ...report,
    planes: planes.map(({ refined: _, ...p }): Plane => {
      const [x, y] = [axis(p.x), axis(p.y)];
      return { ...p, x, y, train: grid(p.train, x, y), test: p.test && grid(p.test, x, y) };
    }),
  };
}

function withoutTest(): AnalysisReport {
  const report = sampleReport();
  return {
    ...report,
    data: { ...report.data, test: null },
    checkpoint: { ...report.checkpoint, test: null },
    planes: report.planes.map((p) => ({
      ...p,
      test: null,
      refined: p.refined && { ...p.refined, test: null },
    })),
    profiles: report.profiles.map((p) => ({ ...p, test: null, minimum: { ...p.minimum, testLoss: null } })),
    provenance: { ...report.provenance, testPath: null },
  };
}

function regression(): AnalysisReport {
  const scale = 4e-5;
  const report = withPlanes((v) => v * scale);
  const noAccuracy = (values: GridValues): GridValues => ({ ...values, accuracy: null });
  return {
    ...report,
    data: { ...report.data, loss: "mse", classes: null },
    checkpoint: {
      ...report.checkpoint,
      train: { loss: report.checkpoint.train.loss * scale, accuracy: null },
      test: { loss: report.checkpoint.test!.loss * scale, accuracy: null },
      lossNoise: report.checkpoint.lossNoise! * scale,
    },
    planes: report.planes.map((p) => ({
      ...p,
      train: noAccuracy(p.train),
      test: p.test && noAccuracy(p.test),
      refined: p.refined && {
        ...p.refined,
        train: noAccuracy(p.refined.train),
        test: p.refined.test && { ...p.refined.test, accuracy: null },
      },
    })),
    profiles: withProfiles(report, (v) => v * scale).map((p) => ({
      ...p,
      train: { ...p.train, accuracy: null },
      test: p.test && { ...p.test, accuracy: null },
    })),
  };
}

function notConverged(): AnalysisReport {
  const report = sampleReport();
  const pairs = report.eigenpairs!.pairs.map((p) => ({
    ...p,
    converged: false,
    residual: Math.abs(p.value) * 1.2,
  }));
  return { ...report, eigenpairs: { ...report.eigenpairs!, pairs, moving: null } };
}

function shifted(by: number): AnalysisReport {
  const report = withPlanes((v) => v + by);
  const move = (value: { loss: number; accuracy: number | null }) => ({ ...value, loss: value.loss + by });
  return {
    ...report,
    checkpoint: {
      ...report.checkpoint,
      train: move(report.checkpoint.train),
      test: move(report.checkpoint.test!),
    },
    profiles: withProfiles(report, (v) => v + by),
  };
}

function flat(): AnalysisReport {
  const report = withPlanes(() => 0);
  const zero = { loss: 0, accuracy: 0.1 };
  return {
    ...report,
    checkpoint: {
      ...report.checkpoint,
      train: zero,
      test: zero,
      lossNoise: 0,
      gradientNorm: 0,
      gradientNoise: 0,
      thetaNorm: 0,
    },
    profiles: withProfiles(report, () => 0).map((p) => ({ ...p, minimum: { t: 0, loss: 0, testLoss: 0 } })),
    eigenpairs: {
      ...report.eigenpairs!,
      pairs: report.eigenpairs!.pairs.map((p) => ({ ...p, value: 0, residual: 0, slope: 0 })),
    },
    trace: {
      ...report.trace!,
      value: 0,
      standardError: 0,
      meanCurvature: 0,
      frobeniusNorm: 0,
      frobeniusStandardError: 0,
    },
    directions: report.directions.map((d) => ({ ...d, slope: 0, curvature: 0, curvatureError: 0 })),
    where: report.where.map((t) => ({
      ...t,
      trace: 0,
      traceStandardError: 0,
      energyTop: 0,
      energyBottom: 0,
    })),
    curvatureByScale: report.curvatureByScale.map((c) => ({
      ...c,
      curvature: c.curvature.map(() => 0),
      error: c.error.map(() => 0),
      hessian: 0,
      hessianError: 0,
    })),
  };
}

function renamed(f: (name: string) => string): AnalysisReport {
  const report = sampleReport();
  return {
    ...report,
    model: { ...report.model, tensors: report.model.tensors.map((t) => ({ ...t, name: f(t.name) })) },
    where: report.where.map((t) => ({ ...t, name: f(t.name) })),
  };
}

/** What would run or break if any of it were taken for markup. */
export const hostile = `</script><script>fail("'&amp;$&</title>`;

function markup(): AnalysisReport {
  const report = renamed((name) => `${hostile}${name}`);
  return {
    ...report,
    model: { ...report.model, name: hostile, producer: hostile },
    verdict: report.verdict.map((s) => ({ ...s, text: `${s.text}${hostile}` })),
    directions: report.directions.map((d) => ({ ...d, label: d.role === "filter" ? "<b>$'\"" : d.label })),
    health: report.health.map((h) => ({ ...h, text: hostile })),
    provenance: { ...report.provenance, command: hostile, options: { [hostile]: hostile } },
  };
}

function nothing(): AnalysisReport {
  const report = withoutTest();
  return {
    ...report,
    checkpoint: { ...report.checkpoint, lossNoise: null },
    verdict: [],
    eigenpairs: null,
    trace: null,
    directions: [],
    planes: [],
    profiles: [],
    curvatureByScale: [],
    density: null,
    randomSlices: null,
    where: report.where.map((t) => ({
      ...t,
      trace: null,
      traceStandardError: null,
      energyTop: null,
      energyBottom: null,
    })),
    health: [],
    cost: { ...report.cost, phases: [] },
    provenance: { ...report.provenance, options: {} },
  };
}

/** As small as grids and groups get, and with only the Hessian plane. */
function oneSample(): AnalysisReport {
  const report = withoutTest();
  const [x, y] = [range(0.1, 3), range(0.2, 3)];
  const loss = y.map((b) => x.map((a) => 0.1 + a * a - 0.1 * b * b));
  const plane: Plane = {
    ...report.planes[0]!,
    x,
    y,
    train: gridValues(x, y, loss, null),
    refined: undefined,
  };
  return {
    ...report,
    checkpoint: { ...report.checkpoint, groups: 1, gradientNoise: null },
    planes: [plane],
    profiles: report.profiles.slice(0, 1),
    curvatureByScale: report.curvatureByScale.slice(0, 1).map((c) => ({
      ...c,
      relativeStep: c.relativeStep.slice(0, 1),
      curvature: c.curvature.slice(0, 1),
      error: c.error.slice(0, 1),
    })),
    where: report.where.slice(0, 1),
  };
}

function noNegative(): AnalysisReport {
  const report = sampleReport();
  const pairs = report.eigenpairs!.pairs.map((p) => ({ ...p, value: Math.abs(p.value) }));
  return { ...report, eigenpairs: { ...report.eigenpairs!, pairs } };
}

/** The largest grids that a page must still carry. */
export function largeReport(): AnalysisReport {
  const report = sampleReport();
  const refine = (values: readonly number[]) => range(values.at(-1)!, 51);
  const planes = report.planes.map((p): Plane => {
    const [x, y] = [refine(p.x), refine(p.y)];
    const loss = y.map((b) =>
      x.map((a) => 0.1 + (a / x[50]!) ** 2 * 3.1234567 + Math.sin(b / y[50]!) ** 2 * 1.1),
    );
    const accuracy = loss.map((row) => row.map((v) => Math.round(128 * Math.exp(-v)) / 128));
    const values = gridValues(x, y, loss, accuracy);
    return { ...p, x, y, train: values, test: values };
  });
  return { ...report, planes };
}
