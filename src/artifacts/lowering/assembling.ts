import { broadcast, misfit, operand, range, requiredInts } from "../../ops/typing.ts";
import type { Lowering, LoweringTable } from "./lowering.ts";

/** Operators of shapes: what they say of shapes is constant once these are static. */

/** (xs…) → (y, per_input_length) */
const concatTraining: Lowering = (b, call) => {
  const axis = call.int("axis", 0);
  const xs = call.inputs.map((_, i) => operand(call, i));
  return [b.call("Concat", xs, { axis }), b.ints(xs.map((x) => x.dims.at(axis) as number))];
};

const splitTraining: Lowering = (b, call) =>
  b.calls(
    "Split",
    [operand(call, 0), operand(call, 1)],
    { axis: call.int("axis", 0) },
    { outputs: call.numOutputs },
  );

/**
 * (shape of a, shape of b) → axes of their broadcast shape over which the gradient of each is summed: those where
 * it has length 1 and the other has not, and those it lacks.
 */
const broadcastGradientArgs: Lowering = (b, call) => {
  const [x, y] = [requiredInts(call, 0, "a shape"), requiredInts(call, 1, "a shape")];
  const dims = broadcast(x, y);
  if (dims === undefined) throw misfit(call, "shapes that broadcast");
  const summed = (of: readonly number[]) => {
    const lead = dims.length - of.length;
    return b.ints(range(dims.length).filter((i) => i < lead || of[i - lead] !== dims[i]));
  };
  return [summed(x), summed(y)];
};

export const assembling: LoweringTable = {
  "com.microsoft::ConcatTraining": concatTraining,
  "com.microsoft::SplitTraining": splitTraining,
  "com.microsoft::BroadcastGradientArgs": broadcastGradientArgs,
  "com.microsoft::ReduceSumTraining": (b, call) => b.calls("ReduceSum", call.inputs, call.attributes),
  "com.microsoft::Trilu": (b, call) => b.calls("Trilu", call.inputs, call.attributes),
};
