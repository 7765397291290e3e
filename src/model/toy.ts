import { createHash } from "node:crypto";
import { Call, type Graph, Node, Value } from "../onnx/graph.ts";
import { decodeModel, encodeModel, type ModelFile } from "../onnx/index.ts";
import { float32Tensor, int64Tensor, type Tensor } from "../onnx/tensor.ts";
import { parseToy, type Toy } from "./toy-address.ts";

/** The model that such a MODEL names, as if it were read from a file. */
export function readToy(address: string): ModelFile {
  const bytes = encodeToy(parseToy(address));
  return { model: decodeModel(bytes), sha256: createHash("sha256").update(bytes).digest("hex") };
}

/**
 * The toy loss as the bytes of an ONNX model without inputs, whose output is its loss. Its one parameter θ is at the
 * critical point θ* = (0, …, 0, 1), where the Hessian has the eigenvalues 1 (ñ times), −1 (2n − ñ times) and 0.
 */
export function encodeToy({ n, tilde }: Toy): Uint8Array {
  const size = 2 * n + 1;
  const critical = new Float32Array(size);
  critical[2 * n] = 1;
  const theta = initializer("theta", float32Tensor([size], critical));
  const sizes = initializer("sizes", int64Tensor([3], [tilde, 2 * n - tilde, 1]));
  const half = initializer("half", float32Tensor([], [0.5]));
  const nodes: Node[] = [];
  const emit = (
    op: string,
    inputs: readonly Value[],
    outputs: readonly string[],
    dims?: readonly number[],
  ) => {
    const hints = outputs.map((name) => ({ name, ...(dims && { type: "float32" as const, shape: dims }) }));
    const keepdims = op === "ReduceSumSquare" ? [["keepdims", { kind: "int", value: 0 }] as const] : [];
    const node = new Node(new Call(op, inputs, new Map(keepdims)), hints, op);
    nodes.push(node);
    return node.outputs as [Value, ...Value[]];
  };
  const [up, down, last] = emit("Split", [theta, sizes], ["up", "down", "last"]);
  const [positive] = emit("ReduceSumSquare", [up], ["positive"]);
  const [negative] = emit("ReduceSumSquare", [down as Value], ["negative"]);
  const [difference] = emit("Sub", [positive, negative], ["difference"]);
  const [factor] = emit("Squeeze", [last as Value], ["factor"]);
  const [scaled] = emit("Mul", [difference, factor], ["scaled"]);
  const outputs = emit("Mul", [scaled, half], ["loss"], []);
  const graph: Graph = {
    name: `toy-${n}-${tilde}`,
    inputs: [],
    outputs,
    initializers: [theta, sizes, half],
    nodes,
  };
  return encodeModel(graph);
}

function initializer(name: string, tensor: Tensor): Value {
  return new Value("initializer", name, tensor.type, tensor.dims, { tensor });
}
