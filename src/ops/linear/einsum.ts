import type { Call, Value } from "../../onnx/graph.ts";
import { int64Tensor, sizeOf, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { misfit, range, sameType, tensorType, typeOf } from "../typing.ts";

/**
 * Einsum as products of matrices: operands are joined from the left, two at a time. Labels are strings,
 * so that the axes of an ellipsis get labels of their own (".0" is the last of them).
 */

type Labels = readonly string[];

interface Equation {
  readonly inputs: readonly Labels[];
  readonly output: Labels;
  readonly lengths: ReadonlyMap<string, number>;
}

/** A tensor whose axes are named. */
interface Labelled {
  readonly value: Value;
  readonly labels: Labels;
}

function labelsOf(call: Call, term: string, ellipsis: number): Labels {
  const parts = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  if (parts.join("") !== term || parts.filter((p) => p === "...").length > 1)
    throw misfit(call, `a term of letters and one ellipsis at most, not ${JSON.stringify(term)}`);
  return parts.flatMap((p) => (p === "..." ? range(ellipsis).map((i) => `.${ellipsis - 1 - i}`) : [p]));
}

function parse(call: Call): Equation {
  const text = call.string("equation", "").replaceAll(" ", "");
  const [left, right, ...more] = text.split("->") as [string, string?, ...string[]];
  const terms = left.split(",");
  if (more.length > 0 || terms.length !== call.inputs.length)
    throw misfit(call, `an equation with ${call.inputs.length} terms, not ${JSON.stringify(text)}`);
  const hidden = terms.map((t, i) => typeOf(call, i).dims.length - t.replace("...", "").length);
  const inputs = terms.map((t, i) => labelsOf(call, t, t.includes("...") ? Math.max(0, hidden[i]!) : 0));
  const ellipsis = Math.max(
    0,
    ...inputs
      .flat()
      .filter((l) => l.startsWith("."))
      .map((l) => Number(l.slice(1)) + 1),
  );
  const output = right === undefined ? implicitOutput(inputs) : labelsOf(call, right, ellipsis);
  const lengths = lengthsOf(call, inputs);
  if (output.some((l) => !lengths.has(l)) || new Set(output).size !== output.length)
    throw misfit(call, "a result whose labels are distinct and of the operands");
  return { inputs, output, lengths };
}

/** Without "->": the ellipsis, then the labels that occur once, by alphabet. */
function implicitOutput(inputs: readonly Labels[]): Labels {
  const all = inputs.flat();
  const dots = [...new Set(all.filter((l) => l.startsWith(".")))].sort(
    (a, c) => Number(c.slice(1)) - Number(a.slice(1)),
  );
  const once = all.filter((l) => !l.startsWith(".") && all.indexOf(l) === all.lastIndexOf(l));
  return [...dots, ...once.sort()];
}

function lengthsOf(call: Call, inputs: readonly Labels[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const [i, labels] of inputs.entries()) {
    const { dims } = typeOf(call, i);
    if (labels.length !== dims.length) throw misfit(call, `operand ${i} of rank ${labels.length}`);
    for (const [axis, label] of labels.entries()) {
      const [d, known] = [dims[axis]!, lengths.get(label) ?? 1];
      if (d !== known && d !== 1 && known !== 1) throw misfit(call, `one length for label "${label}"`);
      lengths.set(label, Math.max(known, d));
    }
  }
  return lengths;
}

export function inferEinsum(call: Call): readonly TensorType[] {
  const type = sameType(call, range(call.inputs.length));
  const { output, lengths } = parse(call);
  const dims = output.map((l) => lengths.get(l)!);
  return [tensorType(call, type, dims)];
}

export function expandEinsum(b: GraphBuilder, call: Call): Value {
  const { inputs, output, lengths } = parse(call);
  const operands = inputs.map((labels, i) => plain(b, { value: call.x(i), labels }, lengths));
  let joined = operands[0] as Labelled;
  for (const [k, next] of operands.slice(1).entries()) {
    const later = new Set([...output, ...operands.slice(k + 2).flatMap((o) => o.labels)]);
    joined = join(
      b,
      summed(b, joined, [...later, ...next.labels]),
      summed(b, next, [...later, ...joined.labels]),
      later,
    );
  }
  return arranged(b, summed(b, joined, output), output, lengths);
}

/** An operand with each label once, and none on an axis of length 1 that broadcasts. */
function plain(b: GraphBuilder, x: Labelled, lengths: ReadonlyMap<string, number>): Labelled {
  let now = x;
  for (const label of new Set(x.labels)) {
    while (now.labels.indexOf(label) !== now.labels.lastIndexOf(label)) now = diagonal(b, now, label);
  }
  const kept = range(now.labels.length).filter((i) => now.value.dims[i] === lengths.get(now.labels[i]!));
  return {
    value: b.reshape(
      now.value,
      kept.map((i) => now.value.dims[i]!),
    ),
    labels: kept.map((i) => now.labels[i]!),
  };
}

/** Takes the diagonal of the first two axes of a label. */
function diagonal(b: GraphBuilder, x: Labelled, label: string): Labelled {
  const first = x.labels.indexOf(label);
  const second = x.labels.indexOf(label, first + 1);
  const rest = range(x.labels.length).filter((i) => i !== first && i !== second);
  const n = x.value.dims[first]!;
  const moved = b.transpose(x.value, [...rest, first, second]);
  const flat = b.reshape(moved, [...rest.map((i) => x.value.dims[i]!), n * n]);
  const at = b.constant(
    int64Tensor(
      [n],
      range(n).map((i) => i * (n + 1)),
    ),
  );
  return { value: b.gather(flat, at, rest.length), labels: [...rest.map((i) => x.labels[i]!), label] };
}

/** Sums over the labels that are not in `kept`. */
function summed(b: GraphBuilder, x: Labelled, kept: readonly string[]): Labelled {
  const axes = range(x.labels.length).filter((i) => !kept.includes(x.labels[i]!));
  if (axes.length === 0) return x;
  return { value: b.reduceSum(x.value, axes, false), labels: x.labels.filter((l) => kept.includes(l)) };
}

/** The product of two operands, summed over their common labels that are not needed later. */
function join(b: GraphBuilder, x: Labelled, y: Labelled, later: ReadonlySet<string>): Labelled {
  const common = x.labels.filter((l) => y.labels.includes(l));
  const batch = common.filter((l) => later.has(l));
  const inner = common.filter((l) => !later.has(l));
  const rows = x.labels.filter((l) => !common.includes(l));
  const columns = y.labels.filter((l) => !common.includes(l));
  const length = (of: Labelled) => (l: string) => of.value.dims[of.labels.indexOf(l)]!;
  const size = (of: Labelled, labels: Labels) => sizeOf(labels.map(length(of)));
  const matrices = (of: Labelled, a: Labels, c: Labels) =>
    b.reshape(ordered(b, of, [...batch, ...a, ...c]), [size(of, batch), size(of, a), size(of, c)]);
  const product = b.matmul(matrices(x, rows, inner), matrices(y, inner, columns));
  const dims = [...batch.map(length(x)), ...rows.map(length(x)), ...columns.map(length(y))];
  return { value: b.reshape(product, dims), labels: [...batch, ...rows, ...columns] };
}

function ordered(b: GraphBuilder, x: Labelled, labels: Labels): Value {
  return b.transpose(
    x.value,
    labels.map((l) => x.labels.indexOf(l)),
  );
}

/** The result's order of axes. Labels of length 1 throughout that `plain` kept or dropped come back as 1. */
function arranged(b: GraphBuilder, x: Labelled, output: Labels, lengths: ReadonlyMap<string, number>): Value {
  const present = output.filter((l) => x.labels.includes(l));
  return b.reshape(
    ordered(b, x, present),
    output.map((l) => lengths.get(l)!),
  );
}
