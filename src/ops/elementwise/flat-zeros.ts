import type { Node, Value } from "../../onnx/graph.ts";
import { uniformOf } from "../typing.ts";

const KEEPS = new Set(
  "Reshape Squeeze Unsqueeze Flatten Transpose Expand Slice ReduceSum ReduceMean AveragePool".split(" "),
);
// Deeper than any norm, variance or distance that exporters compose.
const DEPTH = 12;

/**
 * Whether `x`, by how it is made, has the gradient 0 wherever it is 0, as sums of squares and what is cut off at 0 have,
 * in the operators' frozen forms too. Its root then has the gradient 0 there, as PyTorch's `norm`, `std` and `cdist`,
 * and not ∞·0. Where x is 0 without having been cut off, 0 is the slope from one side.
 */
export function isFlatAtZero(x: Value, depth: number = DEPTH): boolean {
  const node = x.producer;
  if (node?.domain !== "" || depth === 0) return false;
  const flat = (i: number) => isFlatAtZero(node.x(i), depth - 1);
  const cutOff = (i: number) => node.has(i) && uniformOf(node.x(i)) === 0;
  if (KEEPS.has(node.op)) return flat(0);
  switch (node.op) {
    case "ReduceSumSquare":
    case "Relu":
      return true;
    case "Pow":
      return (uniformOf(node.x(1)) ?? 0) > 1;
    case "Mul":
      if (node.x(0) === node.x(1) || isMask(node, 0) || isMask(node, 1)) return true;
      return flat(0) ? flat(1) || isPositive(node, 1) : isPositive(node, 0) && flat(1);
    case "Div":
      return flat(0) && isPositive(node, 1);
    case "Add":
      return flat(0) && flat(1);
    case "Clip":
      return cutOff(1);
    case "Max":
      return cutOff(0) || cutOff(1);
    case "Where":
      return [1, 2].some((i) => cutOff(i) || flat(i));
    default:
      return false;
  }
}

/** Whether input `i` is a constant above 0. */
function isPositive(node: Node, i: number): boolean {
  return (uniformOf(node.x(i)) ?? 0) > 0;
}

/** Whether input `i` is what a frozen Relu multiplies with. */
function isMask(node: Node, i: number): boolean {
  const cast = node.x(i).producer;
  return cast?.op === "Cast" && cast.x(0).type === "bool";
}
