import type {
  AnalysisReport,
  DensityInfo,
  DirectionInfo,
  Eigenpair,
  GridValues,
  Plane,
  Profile,
  RefinedPlane,
  TensorShare,
} from "../../src/analysis/analysis-report.ts";
import { randomSliceInfo } from "../../src/analysis/random-slices.ts";

/**
 * A report like that of a ResNet-20 on Fashion-MNIST, made by formulas: same sizes, eigenvalues and gains as
 * the real one, so that the page is looked at with numbers as they occur.
 */
export function sampleReport(): AnalysisReport {
  const planes = [hessianPlane(), farPlane("random"), farPlane("filter")];
  return {
    schema: "onnx-landscape/report/1",
    model: {
      name: "resnet20.onnx",
      sha256: hex(1),
      opset: 18,
      producer: "pytorch 2.13.0",
      parameters: tensors.reduce((sum, t) => sum + t.size, 0),
      tensors,
      warnings: [],
    },
    data: {
      train: { samples: 128, sha256: hex(2) },
      test: { samples: 128, sha256: hex(3) },
      loss: "cross-entropy",
      classes: 10,
    },
    checkpoint: {
      train: { loss: LOSS, accuracy: 0.96875 },
      test: { loss: TEST_LOSS, accuracy: 0.8828125 },
      gradientNorm: 1.9101508,
      gradientNoise: 1.43,
      lossNoise: 0.0021,
      groups: 8,
      thetaNorm: THETA_NORM,
    },
    verdict: [
      {
        id: "slope",
        answer: "no",
        text: "The gradient norm is 1.91; its noise over 8 groups of samples is 1.4: no slope is resolved.",
        evidence: ["checkpoint.gradientNorm", "checkpoint.gradientNoise", "checkpoint.groups"],
      },
      {
        id: "saddle",
        answer: "yes",
        text: "A saddle: λ₋ = −4.6976 ± 0.0004 (residual).",
        evidence: [
          "eigenpairs.pairs[3].value",
          "eigenpairs.pairs[3].residual",
          "eigenpairs.pairs[3].converged",
        ],
      },
      {
        id: "curvature",
        answer: "yes",
        text: "λ₊ = 314.42 ± 0.03 is 66.93 ± 0.33 times |λ₋|; tr H = 890 ± 20 (600 probes, 1 standard error).",
        evidence: ["eigenpairs.pairs[0].value", "eigenpairs.pairs[3].value", "trace.value", "trace.probes"],
      },
      {
        id: "random-plane",
        answer: "yes",
        text: "The average random plane looks like a minimum: its curvature is tr H = 890 ± 20 in every direction (for Gaussian directions); the share of planes that would show a saddle was not computed.",
        evidence: ["trace.value", "trace.standardError", "randomSlices"],
      },
      {
        id: "gain",
        answer: "yes",
        text: "Moving 0.1 (0.25 % of ‖θ‖) along v₋ lowers train loss 0.0987 → 0.0816, by 17 %; 6.8 of the 17 % is slope, not curvature; test loss rises 2.2 %.",
        evidence: [
          "profiles[1].minimum",
          "checkpoint.train.loss",
          "directions[1].slope",
          "checkpoint.test.loss",
        ],
      },
    ],
    eigenpairs: {
      pairs,
      products: 86,
      hvp: "fd",
      kinks: "frozen",
      step: 4.1e-4,
      moving: { top: 333.1, bottom: -61.4, cosTop: 0.981, cosBottom: 0.262, relativeStep: 1e-3 },
    },
    trace: {
      value: 885.7,
      standardError: 21.9,
      probes: 600,
      estimator: "hutchinson",
      meanCurvature: 885.7 / 272_186,
      frobeniusNorm: 373.5,
      frobeniusStandardError: 8.3,
    },
    directions,
    planes,
    profiles: directions.filter((d) => d.id !== "filter-1").map(profileAlong),
    curvatureByScale: [
      scaleCurve("v-top", 314.4254, 0.031, (s) => 314.4 + 31 * s ** 0.4 * Math.sin(9 * s ** 0.2)),
      scaleCurve("v-bottom", -4.697554, 0.00042, (s) => -4.7 + 55 * Math.exp(-((Math.log10(s) + 3.2) ** 2))),
    ],
    where,
    density,
    subsets: null,
    randomSlices: randomSliceInfo(density, { pairs }, 272_186, { seed: 0, planes: 400 }),
    health: [
      {
        id: "determinism",
        status: "ok",
        label: "Determinism",
        text: "two gradients at θ₀ are equal to the last bit",
      },
      {
        id: "eigenpairs",
        status: "ok",
        label: "Eigenpairs converged",
        text: "6 of 6 within 1e−4·λ₊ after 86 products; largest residual 0.031",
      },
      {
        id: "step",
        status: "look",
        label: "Difference step",
        text: "estimated error of H·v₋ 1.2e−3 of its length; exact products (--hvp exact) have none",
      },
      { id: "trace", status: "ok", label: "Trace", text: "relative standard error 2.5 % from 600 probes" },
      { id: "grid", status: "ok", label: "Grids", text: "0 of 5,766 cells without a finite loss" },
      { id: "subsets", status: "not done", label: "Spread over the data", text: "not computed" },
      {
        id: "orthogonality",
        status: "ok",
        label: "Orthogonality of the Lanczos vectors",
        text: "largest |vᵢ·vⱼ| 3e−16",
      },
    ],
    cost: {
      seconds: 412,
      phases: [
        { name: "load", seconds: 1.8, units: 1 },
        { name: "gradient", seconds: 2.1, units: 8 },
        { name: "eigenpairs", seconds: 98, units: 86 },
        { name: "trace", seconds: 160, units: 600 },
        { name: "planes", seconds: 128, units: 5766 },
        { name: "profiles", seconds: 22, units: 510 },
      ],
      peakMemoryBytes: 912_000_000,
      resumed: false,
    },
    provenance: {
      created: "2026-11-25T10:42:00.000Z",
      command:
        "onnx-landscape report resnet20.onnx --data fashion-train.npz --test-data fashion-test.npz --samples 128 --test-samples 128 --normalize 0.2860,0.3530 --top 3 --bottom 3 --probes 600 --out landscape-resnet20",
      modelPath: "resnet20.onnx",
      trainPath: "fashion-train.npz",
      testPath: "fashion-test.npz",
      versions: { "onnx-landscape": "0.1.0", "onnxruntime-node": "1.30.0", node: "20.20.0" },
      device: "cpu",
      threads: 2,
      workers: 1,
      batch: 8,
      seed: 0,
      options: {
        top: 3,
        bottom: 3,
        probes: 600,
        "range-points": 31,
        samples: 128,
        hvp: "fd",
        kinks: "frozen",
      },
    },
  };
}

export const LOSS = 0.098730789;
const TEST_LOSS = 0.394503;
const THETA_NORM = 41.3;
const SLOPE = -0.0675;

const pairs: readonly Eigenpair[] = [
  { value: 314.4254, residual: 0.031, converged: true, end: "top", slope: 0.42 },
  { value: 138.536, residual: 0.022, converged: true, end: "top", slope: -0.31 },
  { value: 81.34471, residual: 0.019, converged: true, end: "top", slope: 0.11 },
  { value: -4.697554, residual: 0.00042, converged: true, end: "bottom", slope: SLOPE },
  { value: -4.573109, residual: 0.00061, converged: true, end: "bottom", slope: 0.014 },
  { value: -4.109571, residual: 0.0093, converged: true, end: "bottom", slope: -0.022 },
];

const density: DensityInfo = sampleDensity();

/** Three probes: a bulk at 0, a tail to either side, and the outliers with the weights of chance. */
function sampleDensity(): DensityInfo {
  const quadratures = [11, 12, 13].map((seed) => {
    const next = uniform(seed);
    const tail = Array.from({ length: 12 }, (_, k) => [
      0.02 * 1.9 ** k * (1 + 0.2 * next()),
      10 ** (-2.4 - 0.28 * k),
    ]);
    const below = Array.from({ length: 8 }, (_, k) => [
      -0.02 * 1.9 ** k * (1 + 0.2 * next()),
      10 ** (-2.8 - 0.35 * k),
    ]);
    const single = [314.43, 138.54, 81.3, -4.68].map((value) => [value, (1 + 0.6 * next()) / 272_186]);
    const found = [[1e-5, 0.9], ...tail, ...below, ...single].toSorted((a, b) => a[0]! - b[0]!);
    const total = found.reduce((sum, [, w]) => sum + w!, 0);
    return { nodes: found.map(([t]) => t!), weights: found.map(([, w]) => w! / total) };
  });
  const mean = (of: (t: number) => number) =>
    quadratures.reduce((sum, q) => sum + q.nodes.reduce((s, t, i) => s + of(t) * q.weights[i]!, 0), 0) / 3;
  const [first, second] = [mean((t) => t), mean((t) => t * t)];
  return {
    ...{ steps: 25, quadratures, mass: 1, resolution: 0.0314 },
    first: { value: first, standardError: 0.08 * first },
    second: { value: second, standardError: 0.2 * second },
    negative: { value: mean((t) => (t < -0.0314 ? 1 : 0)), standardError: 2e-4 },
    positive: { value: mean((t) => (t > 0.0314 ? 1 : 0)), standardError: 4e-4 },
  };
}

const directions: readonly DirectionInfo[] = [
  { id: "v-top", role: "top", label: "v₊", slope: 0.42, curvature: 314.4254, curvatureError: 0.031 },
  {
    id: "v-bottom",
    role: "bottom",
    label: "v₋",
    slope: SLOPE,
    curvature: -4.697554,
    curvatureError: 0.00042,
  },
  ...Array.from({ length: 5 }, (_, k): DirectionInfo => {
    const noise = uniform(20 + k);
    return {
      id: `random-${k}`,
      role: "random",
      label: `random ${k + 1}`,
      slope: 0.004 * noise(),
      curvature: 0.00325 * (1 + 0.3 * noise()),
      curvatureError: 2e-5,
    };
  }),
  {
    id: "filter-0",
    role: "filter",
    label: "filter 1",
    slope: 0.003,
    curvature: 0.0121,
    curvatureError: 4e-5,
  },
  {
    id: "filter-1",
    role: "filter",
    label: "filter 2",
    slope: -0.002,
    curvature: 0.0152,
    curvatureError: 4e-5,
  },
];

/** Deterministic values in (−1, 1). */
export function uniform(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function hex(seed: number): string {
  const next = uniform(seed);
  return Array.from({ length: 64 }, () => Math.floor(8 * (next() + 1)).toString(16)).join("");
}

export function range(reach: number, n: number): number[] {
  return Array.from({ length: n }, (_, k) => Number((((2 * k) / (n - 1) - 1) * reach).toPrecision(12)));
}

/** Loss along v₋: slope, negative curvature, and the quartic that puts 17.3 % of gain at 0.101. */
function alongBottom(y: number): number {
  return SLOPE * y - 2.3488 * y ** 2 + 131.6 * y ** 4;
}

function hessianLoss(x: number, y: number): number {
  return (
    LOSS + 0.42 * x * 0.2 + 157.2 * x * x * (1 + 9 * y * y) - 260 * x ** 3 + alongBottom(y) - 1.9 * x * y
  );
}

function gridOf(x: readonly number[], y: readonly number[], f: (x: number, y: number) => number): number[][] {
  return y.map((b) => x.map((a) => f(a, b)));
}

export function gridValues(
  x: readonly number[],
  y: readonly number[],
  loss: (number | null)[][],
  accuracy: (number | null)[][] | null,
): GridValues {
  let minimum = { x: 0, y: 0, loss: Number.POSITIVE_INFINITY };
  loss.forEach((row, i) => {
    row.forEach((v, j) => {
      if (v !== null && v < minimum.loss) minimum = { x: x[j]!, y: y[i]!, loss: v };
    });
  });
  return { loss, accuracy, nonFinite: loss.flat().filter((v) => v === null).length, minimum };
}

/** Counted in samples of 128, as a real accuracy is. */
function accuracyOf(loss: number, best: number): number {
  return Math.max(10, Math.round(128 * (best - 0.24 * Math.log1p(3 * Math.max(0, loss - LOSS))))) / 128;
}

function hessianPlane(): Plane {
  const [x, y] = [range(0.11, 31), range(0.245, 31)];
  const train = gridOf(x, y, hessianLoss);
  const test = gridOf(
    x,
    y,
    (a, b) => TEST_LOSS + 0.9 * (hessianLoss(a - 0.004, b * 0.7) - LOSS) + 0.35 * b * b,
  );
  return {
    kind: "hessian",
    xDirection: "v-top",
    yDirection: "v-bottom",
    cosine: 1e-9,
    x,
    y,
    train: gridValues(
      x,
      y,
      train,
      train.map((row) => row.map((v) => accuracyOf(v, 0.96875))),
    ),
    test: gridValues(
      x,
      y,
      test,
      test.map((row) => row.map((v) => accuracyOf(v - 0.29, 0.8828))),
    ),
    range: "α to 20 times the loss and β to 4 times the loss, by the quadratic model",
    refined: refinedAround(0, 0.098),
  };
}

/** The Hessian plane around its lowest point, three times finer. */
function refinedAround(x0: number, y0: number): RefinedPlane {
  const [x, y] = [range(0.11 / 15, 7).map((v) => x0 + v), range(0.245 / 15, 7).map((v) => y0 + v)];
  const train = gridOf(x, y, hessianLoss);
  const shares = (loss: readonly (readonly number[])[]) =>
    loss.map((row) => row.map((v) => accuracyOf(v, 0.96875)));
  return {
    ...{ x, y, train: gridValues(x, y, train, shares(train)) },
    test: { loss: 1.03 * TEST_LOSS, accuracy: 0.875 },
    error: { x: 0.11 / 45, y: 0.245 / 45, loss: 1.3e-5 },
  };
}

function farPlane(kind: "random" | "filter"): Plane {
  const curvature = kind === "random" ? 0.00325 : 0.0121;
  const reach = kind === "random" ? 24 : 14;
  const [x, y] = [range(reach, 31), range(reach, 31)];
  const bowl = (a: number, b: number) => {
    const r2 = 0.5 * curvature * (a * a + 1.25 * b * b + 0.3 * a * b);
    return LOSS + (2.6 * r2 ** 1.2) / (1 + 0.35 * r2) + 0.0004 * a;
  };
  const train = gridOf(x, y, bowl);
  const test = gridOf(x, y, (a, b) => TEST_LOSS + 0.92 * (bowl(a + 0.4, b) - LOSS));
  return {
    kind,
    xDirection: kind === "random" ? "random-0" : "filter-0",
    yDirection: kind === "random" ? "random-1" : "filter-1",
    cosine: 0.0013,
    x,
    y,
    train: gridValues(
      x,
      y,
      train,
      train.map((row) => row.map((v) => accuracyOf(v, 0.96875))),
    ),
    test: gridValues(
      x,
      y,
      test,
      test.map((row) => row.map((v) => accuracyOf(v - 0.29, 0.8828))),
    ),
    range: "to 20 times the loss, by the quadratic model",
  };
}

function profileAlong(direction: DirectionInfo): Profile {
  const reach = { top: 0.11, bottom: 0.245, random: 24, filter: 14 }[direction.role];
  const t = range(reach, 41);
  const line = (s: number): number => {
    if (direction.role === "top") return hessianLoss(s, 0);
    if (direction.role === "bottom") return LOSS + alongBottom(s);
    const q = 0.5 * direction.curvature! * s * s;
    return LOSS + direction.slope! * s * 0.3 + (2.6 * q ** 1.2) / (1 + 0.35 * q);
  };
  const train = t.map(line);
  const test = t.map((s) => TEST_LOSS + 0.9 * (line(s * 0.8 - 0.004 * reach) - LOSS));
  const best = train.indexOf(Math.min(...train));
  return {
    direction: direction.id,
    t,
    train: { loss: train, accuracy: train.map((v) => accuracyOf(v, 0.96875)) },
    test: { loss: test, accuracy: test.map((v) => accuracyOf(v - 0.29, 0.8828)) },
    minimum: { t: t[best]!, loss: train[best]!, testLoss: test[best]! },
  };
}

function scaleCurve(direction: string, hessian: number, hessianError: number, f: (s: number) => number) {
  const relativeStep = Array.from({ length: 17 }, (_, k) => 10 ** (-5 + k / 4));
  return {
    direction,
    relativeStep,
    curvature: relativeStep.map(f),
    error: relativeStep.map((s) => 4e-6 / s),
    hessian,
    hessianError,
  };
}

const tensors = resnetTensors();

function resnetTensors(): { name: string; shape: number[]; offset: number; size: number }[] {
  const shapes: [string, number[]][] = [["conv1.weight", [16, 1, 3, 3]], ...norm("bn1", 16)];
  let channels = 16;
  for (let stage = 1; stage <= 3; stage++) {
    const width = 16 * 2 ** (stage - 1);
    for (let block = 0; block < 3; block++) {
      const prefix = `layer${stage}.${block}`;
      shapes.push([`${prefix}.conv1.weight`, [width, channels, 3, 3]], ...norm(`${prefix}.bn1`, width));
      shapes.push([`${prefix}.conv2.weight`, [width, width, 3, 3]], ...norm(`${prefix}.bn2`, width));
      channels = width;
    }
  }
  shapes.push(["fc.weight", [10, 64]], ["fc.bias", [10]]);
  let offset = 0;
  return shapes.map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    offset += size;
    return { name, shape, offset: offset - size, size };
  });
}

function norm(name: string, width: number): [string, number[]][] {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}

const where = tensorShares();

function tensorShares(): TensorShare[] {
  const next = uniform(7);
  const weight = tensors.map(
    (t) => Math.sqrt(t.size) * Math.exp(1.6 * next()) * (t.name === "fc.weight" ? 9 : 1),
  );
  const top = tensors.map(
    (t) => Math.sqrt(t.size) * Math.exp(2.5 * next()) * (t.name.startsWith("layer3") ? 3 : 1),
  );
  const bottom = tensors.map((t) => t.size * Math.exp(2 * next()));
  const share = (values: readonly number[], k: number) => values[k]! / values.reduce((a, b) => a + b, 0);
  return tensors.map((t, k) => {
    const trace = 885.7 * share(weight, k) * (k % 11 === 5 ? -0.08 : 1);
    return {
      name: t.name,
      size: t.size,
      trace,
      traceStandardError: 0.6 + 0.09 * Math.abs(trace),
      energyTop: share(top, k),
      energyBottom: share(bottom, k),
    };
  });
}
