import { Call, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import { gatherNdIndex } from "../../ops/tensors/indexing.ts";
import { operand, requiredInts } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

/** What reads by index has a gradient that adds into zeros; X is given by its shape alone. */

/** Stands for an X of which the rules look at the type alone. */
function shaped(b: GraphBuilder, call: Call, shape: number, dy: Value): Value {
  return b.filled({ type: dy.static.type, dims: requiredInts(call, shape, "a shape") }, 0);
}

/** (shape, indices, dY) */
const gatherGrad: Lowering = (b, call) => {
  const dy = operand(call, 2);
  const inputs = [shaped(b, call, 0, dy), operand(call, 1)];
  return reverse(b, { op: "Gather", inputs, attributes: call.attributes }, dy, [0]);
};

/** (shape, indices, dY); leading axes in common are expanded into the indices first. */
const gatherNdGrad: Lowering = (b, call) => {
  const dy = operand(call, 2);
  const forward = new Call("GatherND", [shaped(b, call, 0, dy), operand(call, 1)], call.attributes);
  return reverse(b, { op: "GatherND", inputs: [forward.x(0), gatherNdIndex(b, forward)] }, dy, [0]);
};

/** (dY, shape, indices): of GatherElements, and of TopK. */
const gatherElementsGrad: Lowering = (b, call) => {
  const dy = operand(call, 0);
  const inputs = [shaped(b, call, 1, dy), operand(call, 2)];
  return reverse(b, { op: "GatherElements", inputs, attributes: call.attributes }, dy, [0]);
};

/** (dY, shape, starts, ends, axes?, steps?) */
const sliceGrad: Lowering = (b, call) => {
  const dy = operand(call, 0);
  return reverse(b, { op: "Slice", inputs: [shaped(b, call, 1, dy), ...call.inputs.slice(2)] }, dy, [0]);
};

export const indexing: LoweringTable = {
  "com.microsoft::GatherGrad": gatherGrad,
  "com.microsoft::GatherNDGrad": gatherNdGrad,
  "com.microsoft::GatherElementsGrad": gatherElementsGrad,
  "com.microsoft::SliceGrad": sliceGrad,
};
