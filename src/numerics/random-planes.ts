import { RandomStream } from "./random-stream.ts";
import { type SampleStats, sampleStats, wilsonInterval } from "./stats.ts";

/** The Hessian [[a, b], [b, c]] of the loss on a plane θ + αη + βδ: a = ηᵀHη, b = ηᵀHδ, c = δᵀHδ. */
export interface PlaneForm {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** An eigenvalue and how many there are of it; counts from a density need not be whole. */
export interface SpectrumNode {
  readonly value: number;
  readonly count: number;
}

/** Principal curvatures κ₊ ≥ κ₋ of a plane (eigenvalues of its Hessian). */
export function principalCurvatures({ a, b, c }: PlaneForm): { plus: number; minus: number } {
  const mean = (a + c) / 2;
  const half = Math.hypot(b, (a - c) / 2);
  return { plus: mean + half, minus: mean - half };
}

/** Whether a plane shows a saddle: curvatures of both signs. */
export function isSaddle(form: PlaneForm): boolean {
  const { plus, minus } = principalCurvatures(form);
  return plus > 0 && minus < 0;
}

/**
 * Probability that a plane of two Gaussian directions shows a saddle, (1/√2)·exp(−tr²/(4‖H‖²)): the limit of many
 * comparable eigenvalues. It is far off where few eigenvalues dominate; see `effectiveCount`.
 * Source: (A + C)/2 and the half-difference of κ± are independent in the limit: a normal and a Rayleigh variable.
 */
export function saddleLimit(trace: number, frobenius: number): number {
  return frobenius === 0 ? 0 : Math.SQRT1_2 * Math.exp(-((trace / frobenius) ** 2) / 4);
}

/** (Σλ²)²/Σλ⁴: how many eigenvalues of equal size would have the spectrum's concentration. */
export function effectiveCount(spectrum: readonly SpectrumNode[]): number {
  const power = (k: number) => spectrum.reduce((sum, { value, count }) => sum + count * value ** k, 0);
  const fourth = power(4);
  return fourth === 0 ? 0 : power(2) ** 2 / fourth;
}

export interface RandomPlaneOptions {
  readonly seed: number;
  readonly planes: number;
}

/**
 * A, B, C of planes spanned by two Gaussian directions (i.i.d. N(0, 1)), drawn in the eigenbasis of a spectrum: no
 * network is touched. Units: those of the eigenvalues. Exact for whole counts; plane k is the same however many there are.
 * A node that stands for m eigenvalues adds λ times a 2×2 Wishart matrix of m degrees of freedom (Bartlett 1933).
 */
export function drawRandomPlanes(
  spectrum: readonly SpectrumNode[],
  { seed, planes }: RandomPlaneOptions,
): PlaneForm[] {
  return Array.from({ length: planes }, (_, index) =>
    drawPlane(spectrum, new RandomStream({ seed, purpose: "random plane", name: "", index })),
  );
}

function drawPlane(spectrum: readonly SpectrumNode[], stream: RandomStream): PlaneForm {
  let [a, b, c] = [0, 0, 0];
  for (const { value, count } of spectrum) {
    if (value === 0 || count <= 0) continue;
    if (count <= 1) {
      // Less than one eigenvalue: one, of that weight.
      const [x, y] = [stream.normal(), stream.normal()];
      const weight = value * count;
      a += weight * x * x;
      b += weight * x * y;
      c += weight * y * y;
      continue;
    }
    const first = stream.chiSquare(count);
    const across = stream.normal();
    a += value * first;
    b += value * Math.sqrt(first) * across;
    c += value * (across * across + stream.chiSquare(count - 1));
  }
  return { a, b, c };
}

/** What an ensemble of planes shows. */
export interface PlaneEnsemble {
  readonly planes: number;
  /** Means over planes, each plane's curvatures first. */
  readonly kappaPlus: SampleStats;
  readonly kappaMinus: SampleStats;
  /** The same the other way: the curvatures of the mean A, B, C, the expected plane. */
  readonly meanPlane: PlaneForm & { readonly plus: number; readonly minus: number };
  /** Mean of A and C (for Gaussian directions tr H) with its standard error, a plane counting once. */
  readonly meanCurvature: SampleStats;
  readonly saddles: number;
  readonly saddleShare: number;
  /** Wilson's 95 % interval of the share. */
  readonly interval: { readonly low: number; readonly high: number };
}

/** Both ways of averaging an ensemble, and its saddles. */
export function summarizePlanes(forms: readonly PlaneForm[]): PlaneEnsemble {
  const curvatures = forms.map(principalCurvatures);
  const mean = (of: (f: PlaneForm) => number) => sampleStats(forms.map(of)).mean;
  const middle: PlaneForm = { a: mean((f) => f.a), b: mean((f) => f.b), c: mean((f) => f.c) };
  const saddles = forms.filter(isSaddle).length;
  return {
    planes: forms.length,
    kappaPlus: sampleStats(curvatures.map((k) => k.plus)),
    kappaMinus: sampleStats(curvatures.map((k) => k.minus)),
    meanPlane: { ...middle, ...principalCurvatures(middle) },
    meanCurvature: sampleStats(forms.map((f) => (f.a + f.c) / 2)),
    saddles,
    saddleShare: saddles / forms.length,
    interval: wilsonInterval(saddles, forms.length),
  };
}

/** An ensemble's means after its first planes. */
export interface EnsembleMeans {
  readonly planes: number;
  readonly kappaPlus: number;
  readonly kappaMinus: number;
  readonly ofMean: { readonly plus: number; readonly minus: number };
  readonly saddleShare: number;
}

/** How the means settle as planes are added: after 1, 2, 5, 10, 20, 50, … and after all. */
export function ensembleConvergence(forms: readonly PlaneForm[]): EnsembleMeans[] {
  const counts = new Set<number>();
  for (let power = 1; power <= forms.length; power *= 10) {
    for (const k of [1, 2, 5]) if (k * power <= forms.length) counts.add(k * power);
  }
  counts.add(forms.length);
  return [...counts].map((planes) => {
    const { kappaPlus, kappaMinus, meanPlane, saddleShare } = summarizePlanes(forms.slice(0, planes));
    return {
      planes,
      kappaPlus: kappaPlus.mean,
      kappaMinus: kappaMinus.mean,
      ofMean: { plus: meanPlane.plus, minus: meanPlane.minus },
      saddleShare,
    };
  });
}
