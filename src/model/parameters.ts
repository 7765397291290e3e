import type { Graph, Value } from "../onnx/graph.ts";
import { operandsOf, subgraphs } from "../onnx/index.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";
import type { RecordLookup } from "../ops/record.ts";
import { computedFrom } from "./computed-weights.ts";
import { type Evidence, isEmbeddedWeight, STRUCTURAL, SUSPICIONS } from "./exclusions.ts";
import { foldedFrom, followedUses, isWeightUse, notedKind, numbersIn } from "./initializer-evidence.ts";

/** What was decided about one initializer, and why. */
export interface InitializerVerdict {
  readonly value: Value;
  readonly isParameter: boolean;
  readonly reason: string;
  /** The trained weight that the exporter computed it from. */
  readonly computedFrom?: Value;
}

export interface ParameterSelection {
  /** Globs of names that are parameters (all others are not), and of names that are not. */
  readonly params: readonly string[];
  readonly freeze: readonly string[];
}

/**
 * Says of each initializer whether it is a trained parameter: a float tensor with a differentiable path
 * to `output`, unless something shows otherwise. A missed one would make the Hessian wrong, one too many is
 * only listed; so nothing is taken away on suspicion. A name given in full by --params overrules the evidence.
 * `trained`: names of the module's parameters, where the file lists them.
 */
export function judgeInitializers(
  graph: Graph,
  output: Value,
  records: RecordLookup,
  selection: ParameterSelection,
  trained: readonly string[] = [],
): InitializerVerdict[] {
  const reached = differentiablyReached(output, records);
  const uses = followedUses(graph);
  const isFed = graph.inputs.length > 0;
  const judged = (isEmbedded: boolean) =>
    allInitializers(graph).map((value) =>
      judge({ value, reached, uses: uses(value), isFed, trained, isEmbedded }),
    );
  const found = judged(false);
  const verdicts = found.some((v) => v.isParameter) ? found : judged(true);
  return withoutComputed(verdicts).map((verdict) => select(verdict, reached, selection));
}

/** Initializers of a graph and of its subgraphs. */
function allInitializers(graph: Graph): Value[] {
  const inner = graph.nodes.flatMap((node) => subgraphs(node).flatMap(allInitializers));
  return [...graph.initializers, ...inner];
}

function select(
  verdict: InitializerVerdict,
  reached: ReadonlySet<Value>,
  { params, freeze }: ParameterSelection,
): InitializerVerdict {
  const { value } = verdict;
  const float = value.type !== undefined && isFloat(value.type) && sizeOf(value.dims) > 0;
  const named = params.includes(value.name) && float && reached.has(value);
  if (!verdict.isParameter && !named) return verdict;
  if (freeze.some((g) => matchesGlob(value.name, g))) return no(value, "frozen by --freeze");
  if (named) return { value, isParameter: true, reason: "named by --params" };
  if (params.length > 0 && !params.some((g) => matchesGlob(value.name, g)))
    return no(value, "not matched by --params");
  return verdict;
}

function judge(evidence: Evidence): InitializerVerdict {
  const { value } = evidence;
  if (value.type === undefined || !isFloat(value.type))
    return no(value, `not floating point (${value.type})`);
  let numbers: Float32Array | undefined;
  const read = () => {
    numbers ??= numbersIn(value);
    return numbers;
  };
  const asked = notedKind(value) === "PARAMETER" ? STRUCTURAL : [...STRUCTURAL, ...SUSPICIONS];
  const against = asked.find(({ holds }) => holds(evidence, read));
  if (against) return no(value, against.reason);
  return { value, isParameter: true, reason: reasonFor(evidence) };
}

function reasonFor(evidence: Evidence): string {
  const { value, uses } = evidence;
  if (isEmbeddedWeight(evidence)) return "a weight stored as a Constant node";
  const [source, ...more] = foldedFrom(value);
  const from = source === undefined || more.length > 0 ? "" : `, "${source}" transposed`;
  if (notedKind(value) === "PARAMETER") return "a parameter of the PyTorch module";
  const where = uses.find(isWeightUse);
  return where
    ? `a weight of ${where.node.op}${from}`
    : `floating point, on a differentiable path to the output${from}`;
}

/** A norm, a fraction or a square that the exporter computed from a weight, and keeps beside it, was not trained. */
function withoutComputed(verdicts: readonly InitializerVerdict[]): readonly InitializerVerdict[] {
  const trained = new Set(verdicts.filter((v) => v.isParameter).map((v) => v.value));
  return verdicts.map((verdict) => {
    const { value } = verdict;
    const found = computedFrom(value, verdict.isParameter, trained);
    if (found === undefined) return verdict;
    // The inverse of an inverse must not take both away.
    trained.delete(value);
    const { source, what } = found;
    return { ...no(value, `${what} of "${source.name}", computed by the exporter`), computedFrom: source };
  });
}

function no(value: Value, reason: string): InitializerVerdict {
  return { value, isParameter: false, reason };
}

/** Values with a path to `output` along differentiable edges; operators without a record pass all edges. */
function differentiablyReached(output: Value, records: RecordLookup): Set<Value> {
  const reached = new Set<Value>();
  const stack: Value[] = [];
  const enter = (value: Value | null | undefined) => {
    if (value == null || reached.has(value)) return;
    reached.add(value);
    stack.push(value);
  };
  enter(output);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    const node = value.producer;
    if (node === undefined) continue;
    const record = records(node.domain, node.op);
    const edges = record === undefined || record.wrt === "all" ? undefined : record.wrt;
    for (const x of edges ? edges.map((i) => node.inputs[i]) : operandsOf(node)) enter(x);
    // What a subgraph gives comes from inside.
    for (const inner of subgraphs(node)) for (const end of inner.outputs) enter(end);
  }
  return reached;
}

/** Shell-like matching: `*` any characters, `?` one. */
export function matchesGlob(name: string, glob: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${pattern}$`, "s").test(name);
}
