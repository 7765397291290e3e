/** Distance from 1 to the next number. */
export function epsilon(type: "float32" | "float64"): number {
  return type === "float64" ? 2 ** -52 : 2 ** -23;
}

/** What a difference quotient of well-scaled numbers may be off by, relative to their size. */
export function tolerance(type: "float32" | "float64"): number {
  return epsilon(type) ** (2 / 3);
}
