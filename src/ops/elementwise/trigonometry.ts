import type { Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { RuleTable } from "../record.ts";
import { unary } from "./elementwise.ts";

/** Circular and hyperbolic functions and their inverses. */

const square = (b: GraphBuilder, x: Value): Value => b.mul(x, x);

/** dy/√rest: infinite where `rest` is 0, as PyTorch, but 0 where `x` is cut off there (Where: frozen): not ∞·0. */
function arc(b: GraphBuilder, dy: Value, x: Value, rest: Value): Value {
  if (!/^(Clip|Max|Min|Where)$/.test(x.producer?.op ?? "")) return b.div(dy, b.unary("Sqrt", rest));
  const end = b.equal(rest, 0);
  return b.div(b.where(end, 0, dy), b.unary("Sqrt", b.where(end, 1, rest)));
}

export const trigonometry: RuleTable = {
  Sin: unary(Math.sin, (b, dy, x) => b.mul(dy, b.unary("Cos", x))),
  Cos: unary(Math.cos, (b, dy, x) => b.neg(b.mul(dy, b.unary("Sin", x)))),
  // d/dx tan x = 1 + y²
  Tan: unary(Math.tan, (b, dy, _x, y) => b.mul(dy, b.add(square(b, y), 1))),
  // d/dx asin x = 1/√(1 − x²)
  Asin: unary(Math.asin, (b, dy, x) => arc(b, dy, x, b.sub(1, square(b, x)))),
  Acos: unary(Math.acos, (b, dy, x) => b.neg(arc(b, dy, x, b.sub(1, square(b, x))))),
  // d/dx atan x = 1/(1 + x²)
  Atan: unary(Math.atan, (b, dy, x) => b.div(dy, b.add(square(b, x), 1))),
  Sinh: unary(Math.sinh, (b, dy, x) => b.mul(dy, b.unary("Cosh", x))),
  Cosh: unary(Math.cosh, (b, dy, x) => b.mul(dy, b.unary("Sinh", x))),
  // d/dx asinh x = 1/√(x² + 1)
  Asinh: unary(Math.asinh, (b, dy, x) => b.div(dy, b.unary("Sqrt", b.add(square(b, x), 1)))),
  // d/dx acosh x = 1/√(x² − 1)
  Acosh: unary(Math.acosh, (b, dy, x) => arc(b, dy, x, b.sub(square(b, x), 1))),
  // d/dx atanh x = 1/(1 − x²)
  Atanh: unary(Math.atanh, (b, dy, x) => b.div(dy, b.sub(1, square(b, x)))),
};
