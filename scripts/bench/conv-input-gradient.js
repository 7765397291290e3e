// Input gradients of convolutions: which standard operators are fastest. One thread; the weight fed, and as
// a constant (which onnxruntime lays out in blocks). src/ops/convolution/input-gradient.ts takes the best.
import { compare } from "./support.js";

const range = (n) => Array.from({ length: n }, (_, i) => i);

const outputOf = (s) => Math.floor((s.h + 2 * s.pad - s.k) / s.stride) + 1;

function inputs(g, s) {
  const dims = [s.co, s.ci, s.k, s.k];
  const values = range(dims.reduce((a, b) => a * b)).map((i) => Math.sin(i));
  const w = s.fed ? g.input("w", dims) : g.constant(dims, values);
  const ho = outputOf(s);
  return { dy: g.input("dy", [s.n, s.co, ho, ho]), w, ho };
}

const flip = (g, w) => g.slice(w, [-1, -1], [-100, -100], [2, 3], [-1, -1]);

const ways = {
  ConvTranspose: (s, g) => {
    const { dy, w, ho } = inputs(g, s);
    const rest = s.h - ((ho - 1) * s.stride + s.k - 2 * s.pad);
    return g.op("ConvTranspose", [dy, w], {
      pads: [s.pad, s.pad, s.pad, s.pad],
      strides: [s.stride, s.stride],
      output_padding: [rest, rest],
    });
  },
  "Conv of dy (zeros between) with the flipped weight": (s, g) => {
    const { dy, w, ho } = inputs(g, s);
    const gap = s.stride - 1;
    const spread = g.pad(g.reshape(dy, [s.n, s.co, ho, 1, ho, 1]), [0, 0, 0, 0, 0, 0, 0, 0, 0, gap, 0, gap]);
    const wide = s.stride === 1 ? dy : g.reshape(spread, [s.n, s.co, ho * s.stride, ho * s.stride]);
    const before = s.k - 1 - s.pad;
    const after = s.h - (ho * s.stride + before - s.k + 1);
    return g.op("Conv", [wide, flip(g, g.transpose(w, [1, 0, 2, 3]))], {
      pads: [before, before, after, after],
    });
  },
  "one Conv for all phases, DepthToSpace": (s, g) => {
    const { dy, w, ho } = inputs(g, s);
    const { stride: t } = s;
    const taps = Math.ceil(s.k / t);
    const whole = g.pad(w, [0, 0, 0, 0, 0, 0, taps * t - s.k, taps * t - s.k]);
    const phases = g.transpose(g.reshape(whole, [s.co, s.ci, taps, t, taps, t]), [3, 5, 1, 0, 2, 4]);
    const weight = flip(g, g.reshape(phases, [t * t * s.ci, s.co, taps, taps]));
    const first = Math.floor(s.pad / t);
    const length = Math.floor((s.pad + s.h - 1) / t) - first + 1;
    const before = taps - 1 - first;
    const after = length - (ho + before - taps + 1);
    const y = g.op("Conv", [dy, weight], { pads: [before, before, after, after] });
    const dense = t === 1 ? y : g.op("DepthToSpace", [y], { blocksize: t, mode: "DCR" });
    const skip = s.pad - first * t;
    return g.slice(dense, [skip, skip], [skip + s.h, skip + s.h], [2, 3]);
  },
};

const square = (n, ci, co, h, k, stride) => ({ n, ci, co, h, k, stride, pad: (k - 1) / 2 });

for (const s of [
  square(8, 16, 16, 32, 3, 1),
  square(8, 64, 64, 8, 3, 1),
  square(2, 64, 64, 56, 3, 1),
  square(8, 16, 32, 32, 3, 2),
  square(8, 32, 64, 16, 3, 2),
  square(2, 128, 256, 28, 3, 2),
  square(8, 16, 32, 32, 1, 2),
  square(2, 3, 64, 224, 7, 2),
]) {
  for (const fed of [true, false]) {
    const built = Object.fromEntries(
      Object.entries(ways).map(([label, way]) => [label, (g) => way({ ...s, fed }, g)]),
    );
    const title = `${s.k}×${s.k}/${s.stride}, ${s.n} × ${s.ci}→${s.co} at ${s.h}², weight ${fed ? "fed" : "constant"}, per image`;
    await compare(title, built, { unit: s.n, rounds: 20 });
  }
}
