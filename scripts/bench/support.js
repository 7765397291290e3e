// What the measurements share: small ONNX graphs written by hand, and a fair clock.
import os from "node:os";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { onnx } from "../../src/onnx/proto/onnx.js";

const FLOAT = 1;
const INT64 = 7;

/** A graph of float32 inputs; values are names. */
export class BenchGraph {
  nodes = [];
  inputs = [];
  initializers = [];
  feeds = {};
  count = 0;

  input(name, dims) {
    this.inputs.push(valueInfo(name, dims));
    this.feeds[name] = random(dims);
    return name;
  }

  constant(dims, values) {
    const name = `c${this.count++}`;
    const data = Float32Array.from(values);
    const raw_data = new Uint8Array(data.buffer);
    this.initializers.push({ name, dims, data_type: FLOAT, raw_data });
    return name;
  }

  ints(values, dims = [values.length]) {
    const name = `c${this.count++}`;
    const raw_data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.initializers.push({ name, dims, data_type: INT64, raw_data });
    return name;
  }

  zeros(dims) {
    return this.constant(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
  }

  op(op_type, input, attributes = {}, domain = "") {
    const output = `v${this.count++}`;
    this.nodes.push({ op_type, domain, input, output: [output], attribute: attributeList(attributes) });
    return output;
  }

  reshape = (x, dims) => this.op("Reshape", [x, this.ints(dims)]);
  transpose = (x, perm) => this.op("Transpose", [x], { perm });
  concat = (xs, axis) => (xs.length === 1 ? xs[0] : this.op("Concat", xs, { axis }));
  pad = (x, pads) => this.op("Pad", [x, this.ints(pads)], { mode: "constant" });
  sum = (x, axes) => this.op("ReduceSum", [x, this.ints(axes)], { keepdims: 0 });
  slice = (x, starts, ends, axes, steps = starts.map(() => 1)) =>
    this.op("Slice", [x, ...[starts, ends, axes, steps].map((v) => this.ints(v))]);

  attributes = attributeList;

  /** [batch…, m, l]·[batch…, n, l]ᵀ; the Transpose is fused into the product by onnxruntime. */
  productTransposed(a, b, rank) {
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
    return this.op("MatMul", [a, this.transpose(b, perm)]);
  }

  bytes(output) {
    const model = {
      ir_version: 8,
      opset_import: [
        { domain: "", version: 18 },
        { domain: "com.microsoft", version: 1 },
      ],
      graph: {
        name: "bench",
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: [{ name: output }],
      },
    };
    return onnx.ModelProto.encode(model).finish();
  }
}

function valueInfo(name, dims) {
  const shape = { dim: dims.map((dim_value) => ({ dim_value })) };
  return { name, type: { tensor_type: { elem_type: FLOAT, shape } } };
}

function attributeList(attributes) {
  return Object.entries(attributes).map(([name, v]) => {
    if (typeof v === "string") return { name, type: 3, s: Buffer.from(v) };
    if (typeof v === "number") return { name, type: 2, i: v };
    return { name, type: 7, ints: v };
  });
}

export function random(dims, seed = 1) {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state / 2 ** 31 - 1;
  }
  return new Tensor("float32", data, dims);
}

/**
 * Times alternatives `{label: (g) => output name}` over the same inputs, in turn within each round, on one
 * thread; prints the median, and checks that all give the same numbers. Returns medians in microseconds.
 */
export async function compare(title, alternatives, { rounds = 40, unit = 1, optimize = "all" } = {}) {
  const runs = [];
  const options = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimize,
    logSeverityLevel: 3,
  };
  for (const [label, build] of Object.entries(alternatives)) {
    const g = new BenchGraph();
    const whole = build(g);
    // A fetched output is copied to fresh memory, which would cost more than many of the operators: fetch one number.
    const output = g.slice(g.reshape(whole, [-1]), [0], [1], [0]);
    const result = await once(g, whole, options);
    const session = await InferenceSession.create(g.bytes(output), options);
    runs.push({ label, session, feeds: g.feeds, result, times: [] });
  }
  for (let round = 0; round < rounds + 3; round++) {
    for (const run of runs) {
      const start = process.hrtime.bigint();
      await run.session.run(run.feeds);
      if (round >= 3) run.times.push(Number(process.hrtime.bigint() - start) / 1000);
    }
  }
  console.log(`${title}  (load ${os.loadavg()[0].toFixed(1)})`);
  const medians = {};
  for (const run of runs) {
    const us = run.times.sort((a, b) => a - b)[Math.floor(run.times.length / 2)] / unit;
    const best = run.times[0] / unit;
    medians[run.label] = us;
    console.log(
      `  ${run.label.padEnd(44)} ${us.toFixed(1).padStart(9)} µs  best ${best.toFixed(1).padStart(9)}  difference ${difference(run.result, runs[0].result)}`,
    );
    await run.session.release();
  }
  return medians;
}

async function once(g, output, options) {
  const session = await InferenceSession.create(g.bytes(output), options);
  const result = (await session.run(g.feeds))[output];
  await session.release();
  return result;
}

function difference(a, b) {
  if (a.data.length !== b.data.length) return `shape [${a.dims}] not [${b.dims}]`;
  let most = 0;
  let scale = 0;
  for (let i = 0; i < a.data.length; i++) {
    most = Math.max(most, Math.abs(a.data[i] - b.data[i]));
    scale = Math.max(scale, Math.abs(b.data[i]));
  }
  return (most / scale).toExponential(0);
}
