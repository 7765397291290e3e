import type { Value } from "../onnx/graph.ts";

/** What a value shows, seen through operators that only hand it on. */

/** Operators that give all elements of their operand, in their order. */
export const RESHAPES: readonly string[] = ["Reshape", "Squeeze", "Unsqueeze", "Flatten"];

/** What a value shows, behind operators that only hand it on, and behind others that are named. */
export function throughViews(value: Value, others: readonly string[] = []): Value {
  const views = ["Identity", "Cast", ...others];
  let now = value;
  while (now.producer && views.includes(now.producer.op)) now = now.producer.x(0);
  return now;
}

/** An axis counted from the front. */
export function normalizedAxis(axis: number, value: Value): number {
  return axis < 0 ? axis + value.dims.length : axis;
}
