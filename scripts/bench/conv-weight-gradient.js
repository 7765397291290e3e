// Weight gradients of convolutions: which standard operators are fastest, by shape. One thread.
// Alternatives are what src/ops/conv-lowering.ts chooses between.
import { compare } from "./support.js";

/** Taps of a k×k kernel by columns of dy and rows of x: one product of 3·co rows by 3·ci rows. */
function setup(g, { n, ci, co, h, k, pad }) {
  const ho = h + 2 * pad - k + 1;
  return { x: g.input("x", [n, ci, h, h]), dy: g.input("dy", [n, co, ho, ho]), ho };
}

const range = (n) => Array.from({ length: n }, (_, i) => i);

// [n, ku·ci, kv·co] → [co, ci, ku, kv]; rows are (ci, u) and columns (co, v), v counted as the copies are.
const finish = (g, p, ci, co, k) => g.transpose(g.reshape(p, [ci, k, co, k]), [2, 0, 1, 3]);

function rowCopies(g, x, { n, ci, h, k, pad }, perImage = n) {
  const len = h * h;
  const z = g.zeros([n, ci, pad * h]);
  const flat = g.reshape(x, [n, ci, len]);
  return g.reshape(g.concat([z, ...range(k).map(() => flat), g.zeros([n, ci, (k - pad) * h])], 2), [
    perImage,
    k * ci,
    len + h,
  ]);
}

function colCopiesPad(g, dy, { n, co, h, k, pad }) {
  const ho = h + 2 * pad - k + 1;
  const parts = range(k).map((v) => {
    const left = v - pad;
    return g.pad(dy, [0, 0, 0, left, 0, 0, 1, h - ho - left]);
  });
  return g.reshape(
    g.concat(
      parts.map((p) => g.reshape(p, [n, co, h * h + h])),
      2,
    ),
    [n, k * co, h * h + h],
  );
}

const cases = {
  "nine slices of padded x, concat, product, sum": (s) => (g) => {
    const { x, dy, ho } = setup(g, s);
    const xp = g.pad(x, [0, 0, s.pad, s.pad, 0, 0, s.pad, s.pad]);
    const parts = range(s.k * s.k).map((t) => {
      const [u, v] = [Math.floor(t / s.k), t % s.k];
      return g.reshape(g.slice(xp, [u, v], [u + ho, v + ho], [2, 3]), [s.n, s.ci, 1, ho * ho]);
    });
    const cols = g.reshape(g.concat(parts, 2), [s.n, s.ci * s.k * s.k, ho * ho]);
    const p = g.sum(g.productTransposed(g.reshape(dy, [s.n, s.co, ho * ho]), cols, 3), [0]);
    return g.reshape(p, [s.co, s.ci, s.k, s.k]);
  },
  "rows of x (concat), columns of dy (pads), sum": (s) => (g) => {
    const { x, dy } = setup(g, s);
    const p = g.productTransposed(rowCopies(g, x, s), colCopiesPad(g, dy, s), 3);
    return finish(g, g.sum(p, [0]), s.ci, s.co, s.k);
  },
  "rows of x (concat), columns of dy (one-hot conv), sum": (s) => (g) => {
    const { x, dy } = setup(g, s);
    const w = g.constant(
      [s.k * s.co, 1, 1, s.k],
      range(s.k * s.co * s.k).map((i) => (i % s.k === s.k - 1 - (Math.floor(i / s.k) % s.k) ? 1 : 0)),
    );
    const copies = g.op("Conv", [dy, w], { group: s.co, pads: [0, s.k - 1 - s.pad, 1, s.pad] });
    const p = g.productTransposed(
      rowCopies(g, x, s),
      g.reshape(copies, [s.n, s.k * s.co, s.h * s.h + s.h]),
      3,
    );
    return finish(g, g.sum(p, [0]), s.ci, s.co, s.k);
  },
  "one-hot convs for both, sum": (s) => (g) => {
    const { x, dy, ho } = setup(g, s);
    const hot = (c, dims, back) =>
      g.constant(
        [s.k * c, 1, ...dims],
        range(s.k * c * s.k).map((i) => {
          const tap = Math.floor(i / s.k) % s.k;
          return i % s.k === (back ? s.k - 1 - tap : tap) ? 1 : 0;
        }),
      );
    const xs = g.op("Conv", [x, hot(s.ci, [s.k, 1], false)], { group: s.ci, pads: [s.pad, 0, s.pad, 0] });
    const ys = g.op("Conv", [dy, hot(s.co, [1, s.k], true)], {
      group: s.co,
      pads: [0, s.k - 1 - s.pad, 0, s.pad],
    });
    const len = ho * s.h;
    const p = g.productTransposed(
      g.reshape(xs, [s.n, s.k * s.ci, len]),
      g.reshape(ys, [s.n, s.k * s.co, len]),
      3,
    );
    return finish(g, g.sum(p, [0]), s.ci, s.co, s.k);
  },
  "rows, columns; batch merged into the contraction": (s) => (g) => {
    const { x, dy, ho } = setup(g, s);
    const { n, ci, co, h, k, pad } = s;
    const len = n * (h + 1) * h;
    const xt = g.reshape(
      g.op("Concat", [g.transpose(x, [1, 0, 2, 3]), g.zeros([ci, n, 1, h])], { axis: 2 }),
      [ci, len],
    );
    const xs = g.reshape(
      g.concat([g.zeros([ci, pad * h]), ...range(k).map(() => xt), g.zeros([ci, (k - pad) * h])], 1),
      [k * ci, len + h],
    );
    const yt = g.transpose(dy, [1, 0, 2, 3]);
    const parts = range(k).flatMap((v) => {
      const left = v - pad;
      return [g.reshape(g.pad(yt, [0, 0, 0, left, 0, 0, 1, h - ho - left]), [co, len]), g.zeros([co, h])];
    });
    const ys = g.reshape(g.concat(parts, 1), [k * co, len + h]);
    return finish(g, g.productTransposed(xs, ys, 2), ci, co, k);
  },
  "conv over the batch": (s) => (g) => {
    const { x, dy } = setup(g, s);
    const p = g.op("Conv", [g.transpose(x, [1, 0, 2, 3]), g.transpose(dy, [1, 0, 2, 3])], {
      pads: [s.pad, s.pad, s.pad, s.pad],
    });
    return g.transpose(p, [1, 0, 2, 3]);
  },
  "conv over the batch, dy as data": (s) => (g) => {
    const { x, dy } = setup(g, s);
    const e = s.k - 1 - s.pad;
    // Σ dy[h]·x[h+u−p]: x slides over dy as kernel; the taps come out reversed.
    const p = g.op("Conv", [g.transpose(dy, [1, 0, 2, 3]), g.transpose(x, [1, 0, 2, 3])], {
      pads: [s.pad, s.pad, s.pad, s.pad],
    });
    return g.slice(p, [-1, -1], [-1000, -1000], [2, 3], [-1, -1], e);
  },
  "the product alone": (s) => (g) => {
    const len = s.h * s.h;
    const a = g.input("a", [s.n, s.k * s.co, len]);
    const b = g.input("b", [s.n, s.k * s.ci, len]);
    return g.productTransposed(a, b, 3);
  },
};

const n = Number(process.argv[2] ?? 8);
const shapes = [
  { n, ci: 16, co: 16, h: 32 },
  { n, ci: 32, co: 32, h: 16 },
  { n, ci: 64, co: 64, h: 8 },
  { n, ci: 3, co: 16, h: 32 },
  { n: 2, ci: 64, co: 64, h: 56 },
  { n: 2, ci: 128, co: 128, h: 28 },
  { n: 2, ci: 256, co: 256, h: 14 },
  { n: 2, ci: 512, co: 512, h: 7 },
];
for (const shape of shapes) {
  const s = { ...shape, k: 3, pad: 1 };
  const built = Object.fromEntries(Object.entries(cases).map(([label, make]) => [label, make(s)]));
  await compare(`3×3, ${s.n} × ${s.ci}→${s.co} at ${s.h}², per image`, built, { unit: s.n, rounds: 30 });
}
