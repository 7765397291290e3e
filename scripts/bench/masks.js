// Gradient of a ReLU: which way to drop what was cut off is fastest. One thread.
// src/ops/elementwise/elementwise.ts (`masked`) takes the best.
import { compare } from "./support.js";

const FLOAT = 1;
const BOOL = 9;

const bool = (g, y) => g.op("Cast", [y], { to: BOOL });
const float = (g, mask) => g.op("Cast", [mask], { to: FLOAT });

/** y is a ReLU's output: half of it zeros. */
function relu(g, dims) {
  return { y: g.op("Relu", [g.input("x", dims)]), dy: g.input("dy", dims) };
}

const alternatives = {
  "Cast to bool, Where": (g, { y, dy }) => g.op("Where", [bool(g, y), dy, g.constant([], [0])]),
  "Cast to bool and back, Mul": (g, { y, dy }) => g.op("Mul", [dy, float(g, bool(g, y))]),
  "Greater, Where": (g, { y, dy }) => {
    const zero = g.constant([], [0]);
    return g.op("Where", [g.op("Greater", [y, zero]), dy, zero]);
  },
  "Greater, Cast, Mul": (g, { y, dy }) =>
    g.op("Mul", [dy, float(g, g.op("Greater", [y, g.constant([], [0])]))]),
  "Sign, Mul": (g, { y, dy }) => g.op("Mul", [dy, g.op("Sign", [y])]),
  "the ReLU alone": (_g, { y }) => y,
};

for (const dims of [
  [1, 16, 32, 32],
  [16, 16, 32, 32],
  [8, 64, 56, 56],
]) {
  const built = Object.fromEntries(
    Object.entries(alternatives).map(([label, make]) => [label, (g) => make(g, relu(g, dims))]),
  );
  await compare(`ReLU gradient of [${dims.join(", ")}]`, built);
}
