import { describe, expect, it } from "vitest";
import { emitTraining, lowerTraining, unsupportedTraining } from "../../src/artifacts/lower-training.ts";
import { Call, type Graph, Node, type OnnxModel, Value } from "../../src/onnx/graph.ts";
import type { ElementType } from "../../src/onnx/tensor.ts";
import { attributeMap, GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";

const MS = "com.microsoft";

function input(name: string, shape: readonly (number | string)[], type: ElementType = "float32"): Value {
  return new Value("input", name, type, shape);
}

function node(op: string, domain: string, inputs: readonly Value[], outputs: readonly string[]): Node {
  const attributes = attributeMap(/Pool/.test(op) ? { kernel_shape: [2] } : {});
  const hints = outputs.map((name) => ({ name, type: "float32" as const }));
  return new Node(new Call(op, inputs, attributes, domain), hints, `node of ${outputs[0]}`);
}

const first = (n: Node): Value => n.outputs[0] as Value;

function modelOf(inputs: readonly Value[], nodes: readonly Node[], outputs: readonly Value[]): OnnxModel {
  const graph: Graph = { name: "trained", inputs, outputs, initializers: [], nodes };
  const opset = new Map([
    ["", 17],
    [MS, 1],
  ]);
  return { graph, functions: [], opset, irVersion: 8, producer: "", metadata: {} };
}

/** A training model with parameters "a" and "b", whose accumulators come in the other order. */
function trained(
  change: { buffer?: string; op?: string; domain?: string; forward?: string } = {},
): OnnxModel {
  const [x, a, b] = [input("x", ["batch", 4]), input("a", [4]), input("b", [4])];
  const buffers = ["a", "b"].map((p) => input(change.buffer ?? `${p}_grad.accumulation.buffer`, [4]));
  const flag = input("lazy_reset_grad", [1], "bool");
  const product = node("Mul", "", [x, a], ["product"]);
  const loss = node("ReduceMean", "", [first(product)], ["loss"]);
  const positive = node("Greater", "", [b, a], ["positive"]);
  const operands = { AveragePoolGrad: [a], Where: [first(positive), a, b] }[change.op ?? ""] ?? [a, b];
  const gradA = node(change.op ?? "ReluGrad", change.domain ?? MS, operands, ["a_grad"]);
  const gradB = node("Add", "", [a, b], ["b_grad"]);
  const accumulators = [1, 0].map((k) =>
    node("InPlaceAccumulatorV2", MS, [buffers[k]!, first([gradA, gradB][k]!), flag], [`out${k}`]),
  );
  const nodes = [product, loss, positive, gradA, gradB, ...accumulators];
  return modelOf([x, a, b, ...buffers, flag], nodes, [first(loss), ...accumulators.map(first)]);
}

function emit(model: OnnxModel): void {
  const training = lowerTraining(model);
  const b = new GraphBuilder(lookup);
  const dims = (v: Value) => (v.shape ?? []).map((d) => (typeof d === "number" ? d : 2));
  emitTraining(
    training,
    b,
    new Map(training.graph.inputs.map((v) => [v, b.input(v.name, { type: "float32", dims: dims(v) })])),
  );
}

describe("lowerTraining", () => {
  it("takes the gradients out and leaves the plumbing behind", () => {
    const { graph, loss, gradients, warnings } = lowerTraining(trained());
    expect(graph.inputs.map((v) => v.name)).toEqual(["x", "a", "b"]);
    expect(graph.outputs.map((v) => v.name)).toEqual(["loss", "a_grad", "b_grad"]);
    expect(graph.nodes.map((n) => n.op).sort()).toEqual(["Add", "Mul", "ReduceMean", "ReluGrad"]);
    expect(loss.name).toBe("loss");
    expect([...gradients].map(([name, v]) => [name, v.name])).toEqual([
      ["a", "a_grad"],
      ["b", "b_grad"],
    ]);
    expect(warnings).toEqual([]);
  });

  it("leaves standard operators alone", () => {
    const training = lowerTraining(trained());
    const b = new GraphBuilder(lookup);
    const bindings = new Map(
      training.graph.inputs.map((v) => [
        v,
        b.input(v.name, { type: "float32", dims: v === training.graph.inputs[0] ? [2, 4] : [4] }),
      ]),
    );
    const became = emitTraining(training, b, bindings);
    const outputs = training.graph.outputs.map((v) => became.get(v) as Value);
    const ops = b.build("lowered", [], outputs).nodes.map((n) => `${n.domain}${n.op}`);
    expect(ops.sort()).toEqual(["Add", "Cast", "Cast", "Mul", "Mul", "ReduceMean", "Relu"]);
  });

  it("sums the gradient of a Where over what was broadcast, and refuses one that is none", () => {
    const gradientOf = (op: string) => {
      const training = lowerTraining(trained({ op, domain: "" }));
      const b = new GraphBuilder(lookup);
      const dims: Record<string, readonly number[]> = { x: [2, 4], a: [1], b: [4] };
      const inputs = training.graph.inputs.map(
        (v) => [v, b.input(v.name, { type: "float32", dims: dims[v.name] ?? [] })] as const,
      );
      return emitTraining(training, b, new Map(inputs)).get(training.gradients.get("a") as Value);
    };
    // "a" has one element, and its gradient four.
    const summed = gradientOf("Where");
    expect(summed?.dims).toEqual([1]);
    expect(summed?.producer?.op).toBe("ReduceSum");
    for (const op of ["Mul", "Less"])
      expect(() => gradientOf(op)).toThrow(
        `the training model's gradient of "a" has type ${op === "Mul" ? "float32" : "bool"} [4]; expected float32 [1]`,
      );
  });

  it("refuses a model without accumulators, by what is in it", () => {
    const x = input("x", [4]);
    const out = node("YieldOp", MS, [x], ["y"]);
    expect(() => lowerTraining(modelOf([x], [out], [first(out)]))).toThrow(
      'no training model: expected an InPlaceAccumulatorV2 node for each gradient, got none in "trained", but com.microsoft::YieldOp (1 node)',
    );
  });

  it("refuses an accumulator whose parameter it cannot tell", () => {
    expect(() => lowerTraining(trained({ buffer: "c_grad.accumulation.buffer" }))).toThrow(
      /whose gradient InPlaceAccumulatorV2 "node of out1" adds up: its buffer is "c_grad.accumulation.buffer"/,
    );
  });

  it.each([
    ["LSTMGrad", MS],
    ["PythonOpGrad", MS],
    ["ATen", "org.pytorch.aten"],
    // Without its AveragePool its X is not known.
    ["AveragePoolGrad", ""],
  ])("says that %s has no standard form", (op, domain) => {
    const model = trained({ op, domain });
    expect(unsupportedTraining(lowerTraining(model)).map((n) => n.op)).toEqual([op]);
    const label = domain ? `${domain}::${op}` : op;
    expect(() => emit(model)).toThrow(
      `cannot lower the training model: no standard form of ${label} (1 node). Differentiate eval_model.onnx instead`,
    );
  });

  it("says what does not fit a gradient operator", () => {
    expect(() => emit(trained({ op: "TanhGrad" }))).not.toThrow();
    expect(() => emit(trained({ op: "ConvGrad" }))).toThrow(
      /inputs of com.microsoft::ConvGrad do not fit: expected an input 2/,
    );
    expect(() => emit(trained({ op: "MaxPoolGrad", domain: "" }))).toThrow(/expected dY, and as its indices/);
  });
});
