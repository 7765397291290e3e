import { Call, Node, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import type { VjpScope } from "../../ops/record.ts";
import { lookup } from "../../ops/registry.ts";
import { misfit, sameDims } from "../../ops/typing.ts";

/**
 * Emits an operator of onnxruntime-training in standard ones, on inputs of static shapes; one value per output
 * (those that the call leaves out may be given too). Undefined leaves the call as it is.
 *
 * These are no `OpRecord`s: the operators end where the batch is bound, before anything asks for their types or
 * gradients, and what they are lowered to types itself as it is emitted. Some have outputs that later nodes need
 * as constants (`BroadcastGradientArgs`, the lengths of `ConcatTraining`), which an expansion after typing would
 * give too late.
 */
export type Lowering = (b: GraphBuilder, call: Call) => readonly Value[] | undefined;

/** Lowerings by "Op" for the standard domain, "domain::Op" for others. */
export type LoweringTable = Readonly<Record<string, Lowering>>;

/** A forward operator of which a gradient operator is the reverse. */
export interface Forward {
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes?: Call["attributes"];
  /** Its output where the gradient operator is given it; emitted again (and so merged with the forward one) if not. */
  readonly y?: Value;
}

/**
 * The gradient operators whose forward operator has a rule are lowered by that rule: dy times its derivative
 * with respect to each of `wrt`, summed back to the shape of that input.
 */
export function reverse(b: GraphBuilder, forward: Forward, dy: Value, wrt: readonly number[]): Value[] {
  const call = new Call(forward.op, forward.inputs, forward.attributes);
  const record = lookup("", forward.op);
  if (record?.vjp === undefined) throw new Error(`internal: no gradient rule for ${forward.op}`);
  const types = record.infer(call);
  for (const given of [dy, forward.y ?? dy])
    if (!sameDims(given.dims, types[0]!.dims) || given.type !== types[0]!.type)
      throw misfit(call, `a gradient and a result of type ${types[0]!.type} [${types[0]!.dims.join(", ")}]`);
  const scope: VjpScope = {
    b,
    node: new Node(
      call,
      types.map((t) => ({ name: "", type: t.type, shape: t.dims })),
    ),
    x: (i) => call.x(i),
    y: (k = 0) => forward.y ?? (b.emit(call)[k] as Value),
    dy: () => dy,
  };
  return wrt.map((i) => b.sumTo((record.vjp as NonNullable<typeof record.vjp>)(scope, i), call.x(i).dims));
}
