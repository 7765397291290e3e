/** What is computed of every group of samples. Vectors have length N. */
export type Task =
  | { readonly kind: "evaluate"; readonly theta: Float32Array }
  | { readonly kind: "gradient"; readonly theta: Float32Array }
  /** ∇L(plus) − ∇L(minus), branches frozen at `base` or moving. */
  | {
      readonly kind: "difference";
      readonly plus: Float32Array;
      readonly minus: Float32Array;
      readonly base: Float32Array | null;
    }
  /** Exact H·v, Gauss-Newton or Fisher product at `theta`. */
  | {
      readonly kind: "product";
      readonly program: "product" | "gaussNewton" | "fisher";
      readonly theta: Float32Array;
      readonly v: Float32Array;
    };

/** Sums over one group of samples, in float64. */
export interface GroupResult {
  loss: number;
  /** null where there are no classes. */
  correct: number | null;
  count: number;
  /** What the mean divides by: the count, or with class weights their sum. */
  weight: number;
  /** Gradient, difference or product; null for "evaluate". */
  vector: Float64Array | null;
}

/** Runs a task on every group of samples and gives the groups' results in order. */
export interface Executor {
  run(task: Task, signal?: AbortSignal): Promise<readonly GroupResult[]>;
  close(): Promise<void>;
}

/** Adds the groups in their order, so that the sum does not depend on who computed them. */
export function addGroups(groups: readonly GroupResult[]): GroupResult {
  const sum = emptyResult(groups[0]?.vector?.length ?? 0);
  for (const g of groups) {
    sum.loss += g.loss;
    sum.count += g.count;
    sum.weight += g.weight;
    sum.correct = g.correct === null || sum.correct === null ? null : sum.correct + g.correct;
    if (g.vector && sum.vector) for (let i = 0; i < g.vector.length; i++) sum.vector[i]! += g.vector[i]!;
  }
  return sum;
}

/** Zeros; `n` = 0 for results without a vector. */
export function emptyResult(n: number): GroupResult {
  return { loss: 0, correct: 0, count: 0, weight: 0, vector: n > 0 ? new Float64Array(n) : null };
}
