import type { Call } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, tensorType } from "../typing.ts";

/** Operators on square matrices, the last two axes of their operand. */

function squareMatrices(call: Call): TensorType {
  const x = floatOperand(call, 0);
  const [rows, columns] = x.dims.slice(-2);
  if (rows === undefined || rows !== columns || rows < 1) throw misfit(call, "square matrices [..., n, n]");
  return x;
}

/** d det X = det X · ⟨X⁻ᵀ, dX⟩: not for singular matrices, as in every framework. */
const determinant: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { type, dims } = squareMatrices(call);
    return [tensorType(call, type, dims.slice(0, -2))];
  },
  vjp: ({ b, x, y, dy }) => {
    const inverse = b.call("Inverse", [x(0)], {}, { domain: "com.microsoft" });
    const factor = b.mul(dy(), y());
    return b.mul(b.reshape(factor, [...factor.dims, 1, 1]), b.transposeLast(inverse));
  },
};

/** d X⁻¹ = −X⁻¹ · dX · X⁻¹. */
const inverse: OpRecord = {
  wrt: [0],
  infer: (call) => [squareMatrices(call)],
  vjp: ({ b, y, dy }) => {
    const transposed = b.transposeLast(y());
    return b.neg(b.matmul(b.matmul(transposed, dy()), transposed));
  },
};

export const linearAlgebra: RuleTable = {
  Det: determinant,
  "com.microsoft::Inverse": inverse,
};
