/** What is known of the accuracy of one product A·x. */
export interface ProductInfo {
  /** Estimated norm of the error of the product, in the units of A·x; 0 for exact arithmetic. */
  readonly error: number;
}

/** A symmetric linear map, known by its products only. Everything in `numerics/` and `curvature/` takes one. */
export interface SymmetricOperator {
  readonly n: number;
  /** Writes A·x to `out`; both have length n and are never the same array. */
  apply(x: Float64Array, out: Float64Array, signal?: AbortSignal): Promise<ProductInfo>;
}
