import type { Node, Value } from "../graph.ts";
import type { Emitter } from "../transform.ts";

export interface RuleContext {
  /** Opset that the node is written for. */
  readonly version: number;
  /** Whether anything uses output `k`. */
  isUsed(k: number): boolean;
}

/** Emits the node in its opset-18 form and gives its outputs; undefined leaves the node as it is. */
export type Rewrite = (
  node: Node,
  emit: Emitter,
  context: RuleContext,
) => readonly (Value | undefined)[] | undefined;

export interface Rule {
  /** Opsets of the models that are rewritten, both ends included. */
  readonly opsets: readonly [since: number, until: number];
  readonly rewrite: Rewrite;
}
