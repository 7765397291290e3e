import { Call, type Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import { lookup } from "../../ops/registry.ts";
import { misfit, operand, range, sameDims } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

/** Reverse of a chain of nodes that are linear in `from`: each reads the one before, and constants. */
function reverseChain(b: GraphBuilder, from: Value, to: Value, dy: Value): Value {
  let dx = dy;
  for (let at = to; at !== from; ) {
    const node = at.producer;
    const i = node?.inputs.findIndex((v) => v !== null && v.tensor === undefined) ?? -1;
    if (node === undefined || i < 0) throw new Error(`internal: no chain leads to "${from.name}"`);
    dx = reverse(b, node, dx, [i])[0] as Value;
    at = node.x(i);
  }
  return dx;
}

/** (dY, X, roi?, scales?); without scales the sizes are those of dY. */
const resizeGrad: Lowering = (b, call) => {
  const [dy, x] = [operand(call, 0), operand(call, 1)];
  const given = (i: number) => (call.has(i) && sizeOf(operand(call, i).dims) > 0 ? operand(call, i) : null);
  const axes = call.ints("axes") ?? range(x.dims.length);
  const sizes = given(3) ? null : b.ints(axes.map((axis) => dy.dims.at(axis) ?? 0));
  // The map is linear, so that what X holds does not matter, and nothing before X merges with the chain.
  const from = b.input("x", x.static);
  const forward = new Call("Resize", [from, given(2), given(3), sizes], call.attributes);
  const record = lookup("", "Resize");
  const [type] = record?.infer(forward) ?? [];
  const [y] = record?.expand?.(b, forward) ?? [];
  if (type === undefined || y === undefined || !sameDims(type.dims, dy.dims))
    throw misfit(call, "dY of the resized shape");
  return [reverseChain(b, from, y, dy)];
};

export const resampling: LoweringTable = { "com.microsoft::ResizeGrad": resizeGrad };
