// Weight gradients of convolutions: which standard operators are fastest, by shape. One thread.
// src/ops/convolution/weight-gradient.ts and conv-weight-shifts.ts choose between these ways by what comes out here.
//
//   node scripts/bench/conv-weight-gradient.js [plane|strided|depthwise]
import { compare } from "./support.js";

const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Square images and kernels: n, ci → co channels at h², k×k taps, pad, stride. */
function inputs(g, s) {
  const ho = Math.floor((s.h + 2 * s.pad - s.k) / s.stride) + 1;
  return { x: g.input("x", [s.n, s.ci, s.h, s.h]), dy: g.input("dy", [s.n, s.co, ho, ho]), ho };
}

/** k copies of x [n, c, rows·w], each one row further along: as one sequence, cut into blocks one row longer than x. */
function rowCopies(g, x, { c, rows, w, k, pad, lead }) {
  const len = rows * w;
  const parts = [
    g.zeros([...lead, c, pad * w]),
    ...range(k).map(() => x),
    g.zeros([...lead, c, (k - pad) * w]),
  ];
  return g.reshape(g.concat(parts, lead.length + 1), [...lead, k * c, len + w]);
}

/** dy under x's columns for tap v, with a zero row more. */
const columnCopy = (g, dy, s, v) => g.pad(dy, [0, 0, 0, v - s.pad, 0, 0, 1, s.pad - v]);

/** [co·k, ci·k], columns v and rows u, as the weight. */
function fromColumns(g, p, s) {
  const swapped = g.transpose(g.reshape(p, [s.co, s.k, s.ci * s.k]), [0, 2, 1]);
  return g.reshape(swapped, [s.co, s.ci, s.k, s.k]);
}

/** Weights of a depthwise Conv that copies each channel once for each tap. */
function unitTaps(g, c, k) {
  const taps = k * k;
  const hot = range(c * taps * taps).map((i) => (i % taps === Math.floor(i / taps) % taps ? 1 : 0));
  return g.constant([c * taps, 1, k, k], hot);
}

function overBatch(s, g) {
  const { x, dy } = inputs(g, s);
  const y = g.op("Conv", [g.transpose(x, [1, 0, 2, 3]), g.transpose(dy, [1, 0, 2, 3])], {
    pads: [s.pad, s.pad, s.pad, s.pad],
    dilations: [s.stride, s.stride],
  });
  return g.transpose(g.slice(y, [0, 0], [s.k, s.k], [2, 3]), [1, 0, 2, 3]);
}

function unfolded(s, g) {
  const { x, dy, ho } = inputs(g, s);
  const copies = g.op("Conv", [x, unitTaps(g, s.ci, s.k)], {
    pads: [s.pad, s.pad, s.pad, s.pad],
    strides: [s.stride, s.stride],
    group: s.ci,
  });
  const columns = g.reshape(copies, [s.n, s.ci * s.k * s.k, ho * ho]);
  const p = g.productTransposed(g.reshape(dy, [s.n, s.co, ho * ho]), columns, 3);
  return g.reshape(g.sum(p, [0]), [s.co, s.ci, s.k, s.k]);
}

function sliced(s, g) {
  const { x, dy, ho } = inputs(g, s);
  const padded = g.pad(x, [0, 0, s.pad, s.pad, 0, 0, s.pad, s.pad]);
  const reach = (ho - 1) * s.stride + 1;
  const copies = range(s.k * s.k).map((t) => {
    const [u, v] = [Math.floor(t / s.k), t % s.k];
    const part = g.slice(padded, [u, v], [u + reach, v + reach], [2, 3], [s.stride, s.stride]);
    return g.reshape(part, [s.n, s.ci, 1, ho * ho]);
  });
  const columns = g.reshape(g.concat(copies, 2), [s.n, s.ci * s.k * s.k, ho * ho]);
  const p = g.productTransposed(g.reshape(dy, [s.n, s.co, ho * ho]), columns, 3);
  return g.reshape(g.sum(p, [0]), [s.co, s.ci, s.k, s.k]);
}

function oneProduct(s, g) {
  const { x, dy } = inputs(g, s);
  const len = s.h * s.h;
  const xs = rowCopies(g, g.reshape(x, [s.n, s.ci, len]), { ...s, c: s.ci, rows: s.h, w: s.h, lead: [s.n] });
  const copies = range(s.k).map((v) => g.reshape(columnCopy(g, dy, s, v), [s.n, s.co, len + s.h]));
  const ys = g.reshape(g.concat(copies, 2), [s.n, s.k * s.co, len + s.h]);
  return fromColumns(g, g.sum(g.productTransposed(ys, xs, 3), [0]), s);
}

function productPerColumn(s, g) {
  const { x, dy } = inputs(g, s);
  const len = s.h * s.h;
  const xs = rowCopies(g, g.reshape(x, [s.n, s.ci, len]), { ...s, c: s.ci, rows: s.h, w: s.h, lead: [s.n] });
  const products = range(s.k).map((v) => {
    const columns = g.reshape(columnCopy(g, dy, s, v), [s.n, s.co, len + s.h]);
    return g.reshape(g.sum(g.productTransposed(xs, columns, 3), [0]), [1, s.k * s.ci, s.co]);
  });
  return g.reshape(g.transpose(g.concat(products, 0), [2, 1, 0]), [s.co, s.ci, s.k, s.k]);
}

/** The batch as one tall plane, a zero row after each image. */
function mergedBatch(s, g) {
  const { x, dy } = inputs(g, s);
  const rows = s.n * (s.h + 1);
  const tall = (v, c) => {
    const spaced = g.concat([g.reshape(v, [s.n, c, s.h * s.h]), g.zeros([s.n, c, s.h])], 2);
    return g.reshape(g.transpose(spaced, [1, 0, 2]), [c, rows * s.h]);
  };
  const xs = rowCopies(g, tall(x, s.ci), { ...s, c: s.ci, rows, w: s.h, lead: [] });
  const source = g.reshape(tall(dy, s.co), [1, s.co, rows, s.h]);
  const copies = range(s.k).map((v) => g.reshape(columnCopy(g, source, s, v), [s.co, (rows + 1) * s.h]));
  const ys = g.reshape(g.concat(copies, 1), [s.k * s.co, (rows + 1) * s.h]);
  return fromColumns(g, g.productTransposed(ys, xs, 2), s);
}

const plane = {
  "k·k slices of x, one product for each sample": sliced,
  "depthwise Conv with unit taps as the copier": unfolded,
  "rows of x, columns of dy, one product": oneProduct,
  "rows of x, a product for each column": productPerColumn,
  "the same with the batch in one product": mergedBatch,
  "Conv over the batch": overBatch,
};

const strided = {
  "Conv over the batch": overBatch,
  "depthwise Conv with unit taps as the copier": unfolded,
  "k·k strided slices": sliced,
};

const depthwise = {
  "Conv over the batch": (s, g) => {
    const { x, dy } = inputs(g, s);
    const samples = g.reshape(g.transpose(x, [1, 0, 2, 3]), [1, s.ci * s.n, s.h, s.h]);
    const y = g.op("Conv", [samples, g.transpose(dy, [1, 0, 2, 3])], {
      pads: [s.pad, s.pad, s.pad, s.pad],
      dilations: [s.stride, s.stride],
      group: s.ci,
    });
    return g.reshape(g.slice(y, [0, 0], [s.k, s.k], [2, 3]), [s.ci, 1, s.k, s.k]);
  },
  "unit taps, product with dy": (s, g) => {
    const { x, dy, ho } = inputs(g, s);
    const copies = g.op("Conv", [x, unitTaps(g, s.ci, s.k)], {
      pads: [s.pad, s.pad, s.pad, s.pad],
      strides: [s.stride, s.stride],
      group: s.ci,
    });
    const columns = g.reshape(copies, [s.n, s.ci, s.k * s.k, ho * ho]);
    const p = g.op("MatMul", [columns, g.reshape(dy, [s.n, s.ci, ho * ho, 1])]);
    return g.reshape(g.sum(p, [0]), [s.ci, 1, s.k, s.k]);
  },
  "rows of x, a product for each column": (s, g) => {
    const { x, dy } = inputs(g, s);
    const rows = s.h + Math.max(1, s.pad);
    const gap = rows - 1 - s.h;
    const zeros = (m) => (m > 0 ? [g.zeros([s.n, s.ci, m * s.h])] : []);
    const flat = g.reshape(x, [s.n, s.ci, s.h * s.h]);
    const copies = range(s.k).flatMap((u) => [...zeros(u === 0 ? s.pad : gap), flat]);
    const rest = s.k * rows - s.pad - s.k * s.h - (s.k - 1) * gap;
    const xs = g.reshape(g.concat([...copies, ...zeros(rest)], 2), [s.n, s.ci, s.k, rows * s.h]);
    const products = range(s.k).map((v) => {
      const column = g.pad(dy, [0, 0, 0, v - s.pad, 0, 0, rows - s.h, s.pad - v]);
      return g.op("MatMul", [xs, g.reshape(column, [s.n, s.ci, rows * s.h, 1])]);
    });
    return g.reshape(g.sum(g.concat(products, 3), [0]), [s.ci, 1, s.k, s.k]);
  },
};

const square = (n, ci, co, h, k, stride) => ({ n, ci, co, h, k, stride, pad: (k - 1) / 2 });

const suites = {
  plane: [
    plane,
    [
      square(8, 16, 16, 32, 3, 1),
      square(8, 32, 32, 16, 3, 1),
      square(8, 64, 64, 8, 3, 1),
      square(8, 3, 16, 32, 3, 1),
      square(2, 64, 64, 56, 3, 1),
      square(2, 128, 128, 28, 3, 1),
      square(2, 256, 256, 14, 3, 1),
      square(2, 512, 512, 7, 3, 1),
    ],
  ],
  strided: [
    strided,
    [
      square(8, 16, 32, 32, 3, 2),
      square(8, 32, 64, 16, 3, 2),
      square(2, 128, 256, 28, 3, 2),
      square(2, 3, 64, 224, 7, 2),
      square(8, 16, 32, 32, 1, 2),
      square(2, 256, 512, 28, 1, 2),
    ],
  ],
  depthwise: [
    depthwise,
    [
      square(8, 32, 32, 32, 3, 1),
      square(4, 96, 96, 28, 3, 1),
      square(4, 576, 576, 14, 3, 1),
      square(2, 96, 96, 56, 7, 1),
      square(4, 384, 384, 14, 7, 1),
    ],
  ],
};

const wanted = process.argv[2];
for (const [name, [ways, shapes]] of Object.entries(suites)) {
  if (wanted !== undefined && wanted !== name) continue;
  for (const s of shapes) {
    const built = Object.fromEntries(Object.entries(ways).map(([label, way]) => [label, (g) => way(s, g)]));
    const title = `${name}: ${s.k}×${s.k}/${s.stride}, ${s.n} × ${s.ci}→${s.co} at ${s.h}², per image`;
    await compare(title, built, { unit: s.n, rounds: 25 });
  }
}
