// MaxPool's gradient by its indices: which standard operators are fastest. One thread.
import { compare } from "./support.js";

const size = (dims) => dims.reduce((a, b) => a * b, 1);

function pooled({ n, c, h, k, stride, pad }) {
  const ho = Math.floor((h + 2 * pad - k) / stride) + 1;
  return {
    x: [n, c, h, h],
    y: [n, c, ho, ho],
    attributes: { kernel_shape: [k, k], strides: [stride, stride], pads: [pad, pad, pad, pad] },
  };
}

/** Indices into all of x, of each window's first maximum; computed once outside would need a feed of int64. */
function indicesOf(g, x, attributes) {
  const values = `v${g.count++}`;
  const indices = `v${g.count++}`;
  g.nodes.push({
    op_type: "MaxPool",
    input: [x],
    output: [values, indices],
    attribute: g.attributes(attributes),
  });
  return indices;
}

const cases = {
  "indices alone": (s) => (g) => {
    const { x, attributes } = pooled(s);
    return g.op("Cast", [indicesOf(g, g.input("x", x), attributes)], { to: 1 });
  },
  "values alone": (s) => (g) => {
    const { x, attributes } = pooled(s);
    return g.op("MaxPool", [g.input("x", x)], attributes);
  },
  "ScatterElements into zeros": (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    const indices = g.reshape(indicesOf(g, g.input("x", x), attributes), [size(y)]);
    const zeros = g.op("Expand", [g.constant([], [0]), g.ints([size(x)])]);
    const dx = g.op("ScatterElements", [zeros, indices, g.reshape(g.input("dy", y), [size(y)])], {
      axis: 0,
      reduction: "add",
    });
    return g.reshape(dx, x);
  },
  "ScatterND into zeros": (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    const indices = g.reshape(indicesOf(g, g.input("x", x), attributes), [size(y), 1]);
    const zeros = g.op("Expand", [g.constant([], [0]), g.ints([size(x)])]);
    return g.reshape(
      g.op("ScatterND", [zeros, indices, g.reshape(g.input("dy", y), [size(y)])], { reduction: "add" }),
      x,
    );
  },
  MaxUnpool: (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    const indices = indicesOf(g, g.input("x", x), attributes);
    return g.op("MaxUnpool", [g.input("dy", y), indices, g.ints(x)], attributes);
  },
  "where the spread indices are one's own": (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    if (s.k !== s.stride || s.h % s.k) return g.input("x", x);
    const indices = indicesOf(g, g.input("x", x), attributes);
    const [n, c, ho] = y;
    const own = g.ints(
      Array.from({ length: size(x) }, (_, i) => i),
      [n * c, ho, s.k, ho, s.k],
    );
    const mask = g.op("Equal", [g.reshape(indices, [n * c, ho, 1, ho, 1]), own]);
    return g.reshape(
      g.op("Where", [mask, g.reshape(g.input("dy", y), [n * c, ho, 1, ho, 1]), g.constant([], [0])]),
      x,
    );
  },
};

const reads = {
  Gather: (s) => (g) => {
    const { x, attributes } = pooled(s);
    const v = g.input("x", x);
    return g.op("Gather", [g.reshape(v, [size(x)]), indicesOf(g, v, attributes)], { axis: 0 });
  },
  GatherElements: (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    const v = g.input("x", x);
    const i = g.reshape(indicesOf(g, v, attributes), [size(y)]);
    return g.reshape(g.op("GatherElements", [g.reshape(v, [size(x)]), i], { axis: 0 }), y);
  },
  GatherND: (s) => (g) => {
    const { x, y, attributes } = pooled(s);
    const v = g.input("x", x);
    return g.op("GatherND", [g.reshape(v, [size(x)]), g.reshape(indicesOf(g, v, attributes), [...y, 1])]);
  },
};

for (const s of [
  { n: 8, c: 32, h: 32, k: 2, stride: 2, pad: 0 },
  { n: 2, c: 64, h: 112, k: 3, stride: 2, pad: 1 },
]) {
  const of = (table) => Object.fromEntries(Object.entries(table).map(([label, make]) => [label, make(s)]));
  const title = `${s.n} × ${s.c} at ${s.h}², ${s.k}×${s.k} / ${s.stride}`;
  await compare(`gradient: ${title}, per image`, of(cases), { unit: s.n, rounds: 20 });
  await compare(`read: ${title}, per image`, of(reads), { unit: s.n, rounds: 20 });
}
