import { LandscapeError } from "../../errors.ts";
import type { Call, Graph, Value } from "../../onnx/graph.ts";
import type { GraphBuilder, RunGraph } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { axisOf, misfit, numbersOf, operand, range } from "../typing.ts";
import { assertUnrollable } from "./unroll.ts";

/**
 * If, Loop and Scan: how many steps there are must follow from constants and static shapes, and which branch is taken, too,
 * unless both give the same shapes. Then the branch is emitted in the place of the call, or the body once for every step.
 */

function body(call: Call, name: string): Graph {
  const graph = call.graph(name);
  if (graph === undefined) throw misfit(call, `a subgraph "${name}"`);
  return graph;
}

/** The number in a constant; says what is not known, and why that matters, when it is none. */
function known(call: Call, value: Value, what: string, expected: string): number {
  const number = numbersOf(value)?.[0];
  if (number !== undefined) return number;
  throw unknown(call, value, what, `${expected} known before running`);
}

function unknown(call: Call, value: Value, what: string, expected: string): LandscapeError {
  return new LandscapeError(
    "UNSUPPORTED_OP",
    `cannot resolve ${call.op}: ${what} ("${value.name}") depends on the data or the weights; expected ${expected}. Export the model without control flow that depends on data`,
    { op: call.op },
  );
}

function bool(b: GraphBuilder, value: boolean): Value {
  return b.constant({ type: "bool", dims: [], data: Uint8Array.of(Number(value)) });
}

function int(b: GraphBuilder, value: number): Value {
  return b.scalar(value, "int64");
}

/** What each step gave, one after the other along a new axis. */
function collected(b: GraphBuilder, call: Call, values: readonly Value[], axis = 0): Value {
  const first = values[0];
  if (first === undefined)
    throw misfit(call, "at least one step, for what is collected from all steps", "UNSUPPORTED_OP");
  const at = axisOf(call, axis, first.dims.length + 1);
  return b.concat(
    values.map((v) => b.reshape(v, v.dims.toSpliced(at, 0, 1))),
    at,
  );
}

function resolveIf(b: GraphBuilder, call: Call, run: RunGraph): readonly Value[] {
  const condition = operand(call, 0);
  const branch = (name: string) => run(body(call, name), []);
  const number = numbersOf(condition)?.[0];
  if (number !== undefined) return branch(number ? "then_branch" : "else_branch");
  // The data decide: both are computed, and one is chosen.
  const [yes, no] = [branch("then_branch"), branch("else_branch")];
  if (yes.length !== no.length || !yes.every((v, i) => hasTypeOf(v, no[i] as Value)))
    throw unknown(
      call,
      condition,
      "its condition",
      "branches of one shape, or a condition known before running",
    );
  const chosen = b.reshape(condition, []);
  return yes.map((v, i) => b.where(chosen, v, no[i] as Value));
}

function hasTypeOf(a: Value, b: Value): boolean {
  return a.type === b.type && `${a.dims}` === `${b.dims}`;
}

function resolveLoop(b: GraphBuilder, call: Call, run: RunGraph): readonly Value[] {
  const graph = body(call, "body");
  const trips = call.has(0) ? known(call, call.x(0), "its number of steps", "a number of steps") : Infinity;
  const goesOn = (value: Value) => known(call, value, "whether it goes on", "a condition") !== 0;
  let carried: readonly Value[] = range(Math.max(0, call.inputs.length - 2)).map((i) => operand(call, i + 2));
  if (graph.inputs.length !== carried.length + 2)
    throw misfit(call, `a body with ${carried.length + 2} inputs`);
  const perStep: Value[][] = graph.outputs.slice(1 + carried.length).map(() => []);
  let going = call.has(1) ? goesOn(call.x(1)) : true;
  for (let i = 0; going && i < trips; i++) {
    // A while loop is one of 2⁶³ − 1 steps at most.
    assertUnrollable(call, Number.isSafeInteger(trips) ? trips : i + 1);
    const [next, ...rest] = run(graph, [int(b, i), bool(b, true), ...carried]);
    // Without a limit, or before it, the body says whether there is another step.
    going = i + 1 >= trips || goesOn(next as Value);
    carried = rest.slice(0, carried.length);
    for (const [k, v] of rest.slice(carried.length).entries()) perStep[k]?.push(v);
  }
  return [...carried, ...perStep.map((values) => collected(b, call, values))];
}

function resolveScan(b: GraphBuilder, call: Call, run: RunGraph): readonly Value[] {
  const graph = body(call, "body");
  const scanned = call.int("num_scan_inputs", 0);
  const numStates = call.inputs.length - scanned;
  if (scanned < 1 || numStates < 0 || graph.inputs.length !== call.inputs.length)
    throw misfit(call, "as many inputs as its body has, some of them scanned");
  let states: readonly Value[] = range(numStates).map((i) => operand(call, i));
  const slices = range(scanned).map((k) => slicesOf(b, call, k, operand(call, numStates + k)));
  const steps = (slices[0] as Value[]).length;
  if (slices.some((s) => s.length !== steps)) throw misfit(call, "scanned inputs of one length");
  const perStep: Value[][] = graph.outputs.slice(numStates).map(() => []);
  for (let i = 0; i < steps; i++) {
    const outputs = run(graph, [...states, ...slices.map((s) => s[i] as Value)]);
    states = outputs.slice(0, numStates);
    for (const [k, v] of outputs.slice(numStates).entries()) perStep[k]?.push(v);
  }
  const collect = (values: Value[], k: number) => {
    const ordered = call.ints("scan_output_directions")?.[k] === 1 ? values.reverse() : values;
    return collected(b, call, ordered, call.ints("scan_output_axes")?.[k] ?? 0);
  };
  return [...states, ...perStep.map(collect)];
}

/** The scanned input `k`, cut along its axis, in the order of the steps. */
function slicesOf(b: GraphBuilder, call: Call, k: number, x: Value): Value[] {
  const axis = axisOf(call, call.ints("scan_input_axes")?.[k] ?? 0, x.dims.length);
  const n = x.dims[axis] as number;
  assertUnrollable(call, n);
  const slices = range(n).map((i) => b.reshape(b.slice(x, [i], [i + 1], [axis]), x.dims.toSpliced(axis, 1)));
  return call.ints("scan_input_directions")?.[k] === 1 ? slices.reverse() : slices;
}

/** A record of what is gone once shapes are bound, so that nothing else is ever asked of it. */
export function resolved(resolve: NonNullable<OpRecord["resolve"]>): OpRecord {
  return {
    wrt: "all",
    infer: (call) => {
      throw new Error(`internal: ${call.op} was not resolved`);
    },
    resolve,
  };
}

export const controlFlow: RuleTable = {
  If: resolved(resolveIf),
  Loop: resolved(resolveLoop),
  Scan: resolved(resolveScan),
};
