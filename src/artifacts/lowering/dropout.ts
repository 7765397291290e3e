import { operand } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

/**
 * Dropout as in evaluation: nothing is dropped and nothing is scaled, whatever the ratio and the training_mode
 * say. The masks are there for the gradient operators to be given, which do not look at them.
 */

const dropout: Lowering = (b, call) => [
  operand(call, 0),
  b.filled({ type: "bool", dims: operand(call, 0).dims }, 1),
];

const dropoutGrad: Lowering = (_b, call) => [operand(call, 0)];

/** (data, bias, residual?, ratio?, training_mode?) → (y, mask) */
const biasDropout: Lowering = (b, call) => {
  const biased = b.add(operand(call, 0), operand(call, 1));
  const y = call.has(2) ? b.add(biased, operand(call, 2)) : biased;
  return [y, b.filled({ type: "bool", dims: y.dims }, 1)];
};

/** (data, bias, ratio?) → (y, mask, softmax) */
const biasSoftmaxDropout: Lowering = (b, call) => {
  const y = b.call("Softmax", [b.add(operand(call, 0), operand(call, 1))], { axis: call.int("axis", 1) });
  return [y, b.filled({ type: "bool", dims: y.dims }, 1), y];
};

/** (dY, softmax, mask, ratio?) */
const softmaxDropoutGrad: Lowering = (b, call) => {
  const y = operand(call, 1);
  return reverse(b, { op: "Softmax", inputs: [y], attributes: call.attributes, y }, operand(call, 0), [0]);
};

export const dropouts: LoweringTable = {
  Dropout: dropout,
  "com.microsoft::DropoutGrad": dropoutGrad,
  "com.microsoft::BitmaskDropout": dropout,
  "com.microsoft::BitmaskDropoutGrad": dropoutGrad,
  "com.microsoft::BiasDropout": biasDropout,
  "com.microsoft::BitmaskBiasDropout": biasDropout,
  "com.microsoft::BiasSoftmaxDropout": biasSoftmaxDropout,
  "com.microsoft::SoftmaxDropoutGrad": softmaxDropoutGrad,
};
