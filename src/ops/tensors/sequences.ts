import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import { resolved } from "../control-flow/control-flow.ts";
import type { RuleTable } from "../record.ts";
import { axisOf, constantInts, misfit, numbersOf, operand, range, typeOf } from "../typing.ts";

/** Lists of tensors and optional values: where everything is static they only hand tensors on. */

/** Far more than exporters write; a file could ask for one tensor per element. */
const MAX_ELEMENTS = 10_000;

/** The elements of input `i`. */
function elementsOf(call: Call, i: number): readonly Value[] {
  const producer = operand(call, i).producer;
  if (producer?.op !== "SequenceConstruct")
    throw misfit(call, `input ${i} to be a sequence`, "UNSUPPORTED_OP");
  return producer.inputs as readonly Value[];
}

/** A position in a list of `n`; counts from the end when negative. */
function position(call: Call, i: number, n: number): number {
  const at = constantInts(call, i, "a position in the sequence")?.[0] as number;
  return axisOf(call, at, n);
}

function split(b: GraphBuilder, call: Call): readonly Value[] {
  const x = operand(call, 0);
  const axis = axisOf(call, call.int("axis", 0), x.dims.length);
  const n = x.dims[axis] as number;
  const { lengths, keeps } = partLengths(call, n);
  let from = 0;
  const parts = lengths.map((d) => {
    const part = b.slice(x, [from], [from + d], [axis]);
    from += d;
    return keeps ? part : b.reshape(part, part.dims.toSpliced(axis, 1));
  });
  return [b.sequence(parts)];
}

function partLengths(call: Call, n: number): { lengths: number[]; keeps: boolean } {
  const given = constantInts(call, 1, "lengths of the parts");
  if (given === undefined) {
    if (n > MAX_ELEMENTS) throw misfit(call, `at most ${MAX_ELEMENTS} parts`, "UNSUPPORTED_OP");
    return { lengths: range(n).map(() => 1), keeps: call.int("keepdims", 1) !== 0 };
  }
  const each = typeOf(call, 1).dims.length === 0 ? (given[0] as number) : undefined;
  if (each !== undefined && (each < 1 || n / each > MAX_ELEMENTS))
    throw misfit(call, `1 to ${MAX_ELEMENTS} parts`);
  const lengths =
    each === undefined ? given : range(Math.ceil(n / each)).map((i) => Math.min(each, n - i * each));
  if (lengths.some((d) => d < 0) || lengths.reduce((s, d) => s + d, 0) !== n)
    throw misfit(call, `parts that add up to ${n}, not [${lengths.join(", ")}]`);
  return { lengths, keeps: true };
}

function concatenated(b: GraphBuilder, call: Call): readonly Value[] {
  const parts = elementsOf(call, 0);
  const stacks = call.int("new_axis", 0) !== 0;
  const first = parts[0];
  if (first === undefined) throw misfit(call, "a sequence that is not empty");
  const axis = axisOf(call, call.int("axis", 0), first.dims.length + (stacks ? 1 : 0));
  const whole = stacks ? parts.map((p) => b.reshape(p, p.dims.toSpliced(axis, 0, 1))) : parts;
  return [b.concat(whole, axis)];
}

function inserted(b: GraphBuilder, call: Call): readonly Value[] {
  const parts = elementsOf(call, 0);
  if (parts.length >= MAX_ELEMENTS) throw misfit(call, `at most ${MAX_ELEMENTS} elements`, "UNSUPPORTED_OP");
  // A position may be one past the end.
  const at = call.has(2) ? insertion(call, parts.length) : parts.length;
  return [b.sequence(parts.toSpliced(at, 0, operand(call, 1)))];
}

function insertion(call: Call, n: number): number {
  const at = numbersOf(call.x(2))?.[0];
  return at === n ? n : position(call, 2, n);
}

function erased(b: GraphBuilder, call: Call): readonly Value[] {
  const parts = elementsOf(call, 0);
  const at = call.has(1) ? position(call, 1, parts.length) : parts.length - 1;
  if (parts.length === 0) throw misfit(call, "a sequence that is not empty");
  return [b.sequence(parts.toSpliced(at, 1))];
}

/** An optional value that holds nothing has the operator as its producer; any other is what it holds. */
function holds(call: Call): boolean {
  const value = call.inputs[0];
  return value != null && value.producer?.op !== "Optional";
}

export const sequences: RuleTable = {
  SequenceConstruct: resolved((b, call) => [
    b.sequence(range(call.inputs.length).map((i) => operand(call, i))),
  ]),
  SequenceEmpty: resolved((b) => [b.sequence([])]),
  SplitToSequence: resolved(split),
  SequenceAt: resolved((_b, call) => {
    const parts = elementsOf(call, 0);
    return [parts[position(call, 1, parts.length)] as Value];
  }),
  SequenceInsert: resolved(inserted),
  SequenceErase: resolved(erased),
  SequenceLength: resolved((b, call) => [b.scalar(elementsOf(call, 0).length, "int64")]),
  ConcatFromSequence: resolved(concatenated),
  SequenceMap: resolved((b, call, run) => {
    const graph = call.graph("body");
    if (graph === undefined) throw misfit(call, 'a subgraph "body"');
    const first = elementsOf(call, 0);
    // Sequences are walked together; other inputs go to every step.
    const of = (i: number, k: number) =>
      operand(call, i).producer?.op === "SequenceConstruct" ? elementsOf(call, i)[k] : operand(call, i);
    const steps = first.map((_, k) => {
      const inputs = range(call.inputs.length).map((i) => of(i, k));
      if (inputs.some((v) => v === undefined)) throw misfit(call, "sequences of one length");
      return run(graph, inputs as Value[]);
    });
    return graph.outputs.map((_, i) => b.sequence(steps.map((outputs) => outputs[i] as Value)));
  }),
  Optional: resolved((b, call) => [call.inputs[0] ?? b.nothing()]),
  OptionalHasElement: resolved((b, call) => [
    b.constant({ type: "bool", dims: [], data: Uint8Array.of(Number(holds(call))) }),
  ]),
  OptionalGetElement: resolved((_b, call) => {
    if (!holds(call)) throw misfit(call, "an optional value that is there");
    return [operand(call, 0)];
  }),
};
