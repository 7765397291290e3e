import type { Call, Node, Value } from "../onnx/graph.ts";
import type { EmissionRules, GraphBuilder } from "./builder.ts";

/** What a gradient rule sees: the node, its values, the incoming gradients, and a builder to emit with. */
export interface VjpScope {
  readonly b: GraphBuilder;
  readonly node: Node;
  /** Input `i`. */
  x(i: number): Value;
  /** Output `k`. */
  y(k?: number): Value;
  /** Gradient of the loss with respect to output `k`; zeros when nothing flows back through it. */
  dy(k?: number): Value;
}

/**
 * The frozen form of an operator with kinks or choices (method: finite differences of a piecewise
 * smooth function are taken within the piece that θ₀ lies in).
 */
export interface FrozenForm {
  /** The decision as the operator takes it on these inputs: a mask, an index, a sign. */
  decide(b: GraphBuilder, call: Call): readonly Value[];
  /** The operator once the decision is given: smooth in its inputs, equal to it where the decision is its own. */
  apply(b: GraphBuilder, call: Call, decisions: readonly Value[]): readonly Value[];
}

/**
 * All we know of one operator (opset 18 signature; older and newer ones are brought to it on loading).
 * Rules are pure, emit only operators that have records, and do not mind broadcasting: the walker sums
 * each result back to its input's shape.
 */
export interface OpRecord extends EmissionRules {
  /** Differentiable inputs; "all" for every float input. The rest are stop edges. */
  readonly wrt: readonly number[] | "all";
  /** Gradient with respect to input `input`, of the broadcast shape or the input's. */
  readonly vjp?: (s: VjpScope, input: number) => Value;
  /** Why this call has no gradient although there is a rule for others; follows "no gradient rule for Op (nodes)". */
  readonly refuses?: (call: Call) => string | undefined;
  /** Rewrites the operator into others before differentiation; undefined leaves this call as it is. */
  readonly expand?: (b: GraphBuilder, call: Call) => readonly Value[] | undefined;
  /** Rewrites an operator of ours (domain "landscape") into standard ones, after differentiation. */
  readonly lower?: (b: GraphBuilder, call: Call) => readonly Value[];
  readonly freeze?: FrozenForm;
}

/** Why BatchNormalization and Dropout have no gradient in an export of a model in training, and what to do. */
export const IN_TRAINING = "in training mode: use --eval-mode, or export with model.eval()";

export type RuleTable = Readonly<Record<string, OpRecord>>;

/** Finds a record by domain and operator name. */
export type RecordLookup = (domain: string, op: string) => OpRecord | undefined;

/** The domain of the operators that exist only between differentiation and lowering. */
export const INTERNAL_DOMAIN = "landscape";
