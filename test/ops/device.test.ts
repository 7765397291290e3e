import process from "node:process";
import { describe, expect, test } from "vitest";
import { nodesForCpu } from "../../src/model/kernels.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { encodeModel, ONNX_TYPE_CODES } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { lookup } from "../../src/ops/registry.ts";
import {
  type DeviceChoice,
  type Feeds,
  openRuntime,
  type Runtime,
  type RuntimeTensor,
} from "../../src/runtime/index.ts";
import { type Case, forwardOf, isDifferentiable, nameOf } from "../support/case.ts";
import { gradientGraph } from "../support/gradcheck.ts";
import { draw, randomFrom } from "../support/sample.ts";
import { epsilon } from "../support/tolerance.ts";
import { cases } from "./cases.ts";

// A device other than the CPU is not everywhere: LANDSCAPE_DEVICE=webgpu npx vitest run test/ops/device.test.ts
const device = process.env["LANDSCAPE_DEVICE"] as DeviceChoice | undefined;

/** Sums in another order, and the devices' own exp, log and tanh. */
const ROUNDINGS = 256;

const rows = cases.filter(
  (c) => isDifferentiable(c, lookup) && (c.type ?? "float32") === "float32" && !toDouble(c),
);

/** No graph of ours holds float64 where it runs, and WebGPU has none. */
function toDouble({ op, attrs }: Case): boolean {
  return op === "Cast" && attrs?.["to"] === ONNX_TYPE_CODES.float64;
}

describe.skipIf(device === undefined)(
  `${device ?? "no LANDSCAPE_DEVICE"} gives what the CPU gives`,
  async () => {
    const [cpu, other] = await Promise.all(
      (["cpu", device ?? "cpu"] as const).map((name) => openRuntime({ device: name, threads: 1 })),
    );

    test.each(rows.map((c) => [nameOf(c), c] as const))("%s", async (name, c) => {
      const graph = gradientGraph(c, "float32", lookup);
      const { inputs, point } = forwardOf(c, "float32", lookup);
      const random = randomFrom(`device ${name}`);
      const feeds: Record<string, RuntimeTensor> = {};
      graph.inputs.forEach((v, i) => {
        const numbers = i < inputs.length ? (point[i] as number[]) : draw(v.dims, "default", random);
        feeds[v.name] = { type: "float32", dims: v.dims, data: Float32Array.from(numbers) };
      });
      const [expected, got] = [await results(cpu!, graph, feeds), await results(other!, graph, feeds)];
      for (const [k, want] of expected.entries()) expectClose(got[k] as RuntimeTensor, want, `output ${k}`);
    });
  },
);

async function results(runtime: Runtime, graph: Graph, feeds: Feeds): Promise<RuntimeTensor[]> {
  const session = await runtime.createSession(encodeModel(graph), {
    onCpu: runtime.device === "cpu" ? [] : nodesForCpu(graph, runtime.device),
  });
  try {
    const found = await session.run(feeds);
    return graph.outputs.map((v) => found[v.name] as RuntimeTensor);
  } finally {
    await session.release();
  }
}

function expectClose(got: RuntimeTensor, want: RuntimeTensor, what: string): void {
  expect([got.type, ...got.dims]).toEqual([want.type, ...want.dims]);
  if (want.type !== "float32") return;
  const [a, b] = [got.data as Float32Array, want.data as Float32Array];
  const largest = b.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
  for (let i = 0; i < sizeOf(want.dims); i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const distance = Math.abs((a[i] as number) - (b[i] as number));
    expect(distance, `${what}, element ${i}: ${a[i]} and ${b[i]}`).toBeLessThan(
      ROUNDINGS * epsilon("float32") * largest,
    );
  }
}
