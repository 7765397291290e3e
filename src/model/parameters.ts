import type { Graph, Node, Value } from "../onnx/graph.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";
import type { RecordLookup } from "../ops/record.ts";

/** What was decided about one initializer, and why. */
export interface InitializerVerdict {
  readonly value: Value;
  readonly isParameter: boolean;
  readonly reason: string;
}

export interface ParameterSelection {
  /** Globs of names that are parameters (all others are not), and of names that are not. */
  readonly params: readonly string[];
  readonly freeze: readonly string[];
}

/**
 * Says of each initializer whether it is a trained parameter: a float tensor with a differentiable path
 * to `output`, unless something shows otherwise (running statistics, unnamed scalar constants).
 */
export function judgeInitializers(
  graph: Graph,
  output: Value,
  records: RecordLookup,
  selection: ParameterSelection,
): InitializerVerdict[] {
  const reached = differentiablyReached(output, records);
  const uses = consumers(graph);
  return graph.initializers.map((value) => {
    const verdict = judge(value, reached, uses.get(value) ?? []);
    if (!verdict.isParameter) return verdict;
    if (selection.freeze.some((g) => matchesGlob(value.name, g))) return no(value, "frozen by --freeze");
    if (selection.params.length > 0 && !selection.params.some((g) => matchesGlob(value.name, g))) {
      return no(value, "not matched by --params");
    }
    return verdict;
  });
}

function judge(value: Value, reached: ReadonlySet<Value>, uses: readonly Use[]): InitializerVerdict {
  if (value.type === undefined || !isFloat(value.type))
    return no(value, `not floating point (${value.type})`);
  if (value.fromConstant) return no(value, "a constant of the graph");
  if (uses.length > 0 && uses.every((u) => u.node.op === "BatchNormalization" && u.input >= 3)) {
    return no(value, "running statistic of a BatchNormalization");
  }
  if (!reached.has(value)) return no(value, "has no differentiable path to the output");
  const size = sizeOf(value.dims);
  if (size === 0) return no(value, "empty");
  if (size === 1 && hasGeneratedName(value.name))
    return no(value, "single number with a generated name: a constant");
  return { value, isParameter: true, reason: "floating point, on a differentiable path to the output" };
}

function no(value: Value, reason: string): InitializerVerdict {
  return { value, isParameter: false, reason };
}

interface Use {
  readonly node: Node;
  readonly input: number;
}

function consumers(graph: Graph): Map<Value, Use[]> {
  const uses = new Map<Value, Use[]>();
  for (const node of graph.nodes) {
    for (const [input, value] of node.inputs.entries()) {
      if (value === null) continue;
      const list = uses.get(value);
      if (list) list.push({ node, input });
      else uses.set(value, [{ node, input }]);
    }
  }
  return uses;
}

/** Values with a path to `output` along differentiable edges; operators without a record pass all edges. */
function differentiablyReached(output: Value, records: RecordLookup): Set<Value> {
  const reached = new Set<Value>([output]);
  const stack = [output];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    const node = value.producer;
    if (node === undefined) continue;
    const record = records(node.domain, node.op);
    const edges = record === undefined || record.wrt === "all" ? [...node.inputs.keys()] : record.wrt;
    for (const i of edges) {
      const x = node.inputs[i];
      if (x == null || reached.has(x)) continue;
      reached.add(x);
      stack.push(x);
    }
  }
  return reached;
}

/** Names that exporters make up for constants: val_12, onnx::Mul_3, scalar_tensor_default, /layer/Constant_output_0. */
function hasGeneratedName(name: string): boolean {
  return /^(val_|_?const|onnx::|scalar_tensor|_to_copy|\/)|constant/i.test(name) || /^\d+$/.test(name);
}

/** Shell-like matching: `*` any characters, `?` one. */
export function matchesGlob(name: string, glob: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${pattern}$`, "s").test(name);
}
