import type { UnsupportedOperator } from "../model/unsupported.ts";
import { Call, encodeModel, Node } from "../onnx/index.ts";
import type { Runtime } from "../runtime/index.ts";

/** Of a node without inputs onnxruntime says that they are missing, or, before that, that it has no such operator. */
const UNKNOWN = /No Op registered|is not a registered function\/op/;

/**
 * Those of `operators` that onnxruntime has no operator of that name for, at the versions of `opset`: a model with one of
 * them does not run at all.
 */
export async function unregistered(
  operators: readonly UnsupportedOperator[],
  opset: ReadonlyMap<string, number>,
  runtime: Runtime,
): Promise<UnsupportedOperator[]> {
  const found: UnsupportedOperator[] = [];
  for (const operator of operators) {
    const { domain, op } = operator;
    const node = new Node(new Call(op, [], new Map(), domain), [{ name: "y", type: "float32", shape: [1] }]);
    const graph = { name: op, inputs: [], outputs: node.outputs, initializers: [], nodes: [node] };
    const model = encodeModel(graph, { opset: opset.get("") ?? 18, domains: opset });
    try {
      await (await runtime.createSession(model)).release();
    } catch (error) {
      if (error instanceof Error && UNKNOWN.test(error.message)) found.push(operator);
    }
  }
  return found;
}
