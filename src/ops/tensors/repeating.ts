import type { Call } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { foldExpand, foldTile } from "../fold/indexing.ts";
import type { RuleTable } from "../record.ts";
import { broadcast, misfit, operand, requiredInts, tensorType, typeOf } from "../typing.ts";

/** Expand and Tile: gradients are sums over the copies. */

function expandDims(call: Call): number[] {
  const wanted = requiredInts(call, 1, "a shape");
  if (wanted.some((d) => d < 0)) throw misfit(call, `axes ≥ 0, not [${wanted.join(", ")}]`);
  const dims = broadcast(typeOf(call, 0).dims, wanted);
  if (dims === undefined) throw misfit(call, `a shape that broadcasts with [${wanted.join(", ")}]`);
  return dims;
}

function repeatsOf(call: Call): number[] {
  const repeats = requiredInts(call, 1, "repeats");
  if (repeats.length !== typeOf(call, 0).dims.length || repeats.some((r) => r < 0))
    throw misfit(call, `one repeat for each axis, not [${repeats.join(", ")}]`);
  return repeats;
}

export const repeating: RuleTable = {
  Expand: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, expandDims(call))],
    fold: (call) => foldExpand(call, expandDims(call)),
    simplify: (b, call) => {
      const x = operand(call, 0);
      const dims = expandDims(call);
      return sizeOf(dims) === sizeOf(x.dims) && sizeOf(dims) > 0 ? b.reshape(x, dims) : undefined;
    },
    // The walker sums back to the operand's shape.
    vjp: (s) => s.dy(),
  },
  Tile: {
    wrt: [0],
    infer: (call) => {
      const { type, dims } = typeOf(call, 0);
      const repeats = repeatsOf(call);
      return [
        tensorType(
          call,
          type,
          dims.map((d, i) => d * repeats[i]!),
        ),
      ];
    },
    fold: (call) => foldTile(call, repeatsOf(call)),
    simplify: (_b, call) => (repeatsOf(call).every((r) => r === 1) ? operand(call, 0) : undefined),
    vjp: (s) => {
      const { dims } = s.x(0);
      const repeats = repeatsOf(s.node);
      const split = s.b.reshape(
        s.dy(),
        dims.flatMap((d, i) => [repeats[i]!, d]),
      );
      return s.b.reduceSum(
        split,
        dims.map((_, i) => 2 * i),
        false,
      );
    },
  },
};
