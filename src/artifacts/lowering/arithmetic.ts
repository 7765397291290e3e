import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import { floatOperand, operand, range } from "../../ops/typing.ts";
import { type Lowering, type LoweringTable, reverse } from "./lowering.ts";

/** x·s, or x/s; s may be an integer. */
const scale: Lowering = (b, call) => {
  floatOperand(call, 0);
  const x = operand(call, 0);
  const factor = b.reshape(b.cast(operand(call, 1), x.static.type), []);
  return [call.int("scale_down", 0) ? b.div(x, factor) : b.mul(x, factor)];
};

/** x times the attribute scale_`i`. */
function scaledBy(b: GraphBuilder, call: Call, x: Value, i: number): Value {
  floatOperand(call, 0);
  return b.mul(x, Math.fround(call.float(`scale_${i}`, 1)));
}

export const arithmetic: LoweringTable = {
  "com.microsoft::DivGrad": (b, call) =>
    reverse(
      b,
      { op: "Div", inputs: [operand(call, 1), operand(call, 2)] },
      operand(call, 0),
      range(call.numOutputs),
    ),
  "com.microsoft::Scale": scale,
  // Σ sᵢxᵢ of two or three
  "com.microsoft::ScaledSum": (b, call) => [
    call.inputs.map((_, i) => scaledBy(b, call, operand(call, i), i)).reduce((x, y) => b.add(x, y)),
  ],
  // s₀x, s₁x (, s₂x)
  "com.microsoft::BatchScale": (b, call) =>
    range(call.numOutputs).map((i) => scaledBy(b, call, operand(call, 0), i)),
};
