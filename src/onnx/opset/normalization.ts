import { intAttribute, type Node, type Value } from "../graph.ts";
import { int64Tensor } from "../tensor.ts";
import type { Emitter } from "../transform.ts";
import { int64s, nameOf, reemit } from "./node.ts";
import type { Rewrite } from "./rule.ts";

/**
 * BatchNormalization before opset 14 trains when it has more than one output: Y, running mean and variance,
 * saved mean and variance. The last two exist no more; statistics per activation (`spatial` 0) neither.
 */
export const batchNormalization: Rewrite = (node, emit, { isUsed }) => {
  if (node.int("spatial", 1) !== 1 || isUsed(3) || isUsed(4)) return undefined;
  const trains = node.outputs.slice(1).some((v) => v.name !== "");
  return reemit(node, emit, {
    outputs: node.outputs.slice(0, trains ? 3 : 1),
    attributes: { spatial: undefined, ...(trains && { training_mode: intAttribute(1) }) },
  });
};

/** Scale and bias per group (18) become scale and bias per channel (21). */
export const groupNormalization: Rewrite = (node, emit) => {
  // An attribute of opset 21: the node has been here before.
  if (node.attributes.has("stash_type")) return undefined;
  const groups = node.int("num_groups", 0);
  const channels = node.x(0).shape?.[1];
  const repeats =
    typeof channels === "number"
      ? int64s(node, emit, "repeats", [groups, channels / groups])
      : dynamicRepeats(node, emit, groups);
  const inputs = [
    node.x(0),
    perChannel(node, emit, node.x(1), "scale", repeats, channels),
    perChannel(node, emit, node.x(2), "bias", repeats, channels),
  ];
  return reemit(node, emit, { inputs, attributes: { stash_type: intAttribute(1) } });
};

/** The shape [groups, channels / groups], computed. */
function dynamicRepeats(node: Node, emit: Emitter, groups: number): Value {
  const at = (what: string) => ({ name: nameOf(node, what), type: "int64" as const });
  const channels = emit.call(
    "Shape",
    [node.x(0)],
    { start: intAttribute(1), end: intAttribute(2) },
    at("channels"),
  );
  const count = int64s(node, emit, "groups", [groups]);
  const each = emit.call("Div", [channels, count], {}, at("channels_per_group"));
  return emit.call("Concat", [count, each], { axis: intAttribute(0) }, at("repeats"));
}

function perChannel(
  node: Node,
  emit: Emitter,
  perGroup: Value,
  what: string,
  repeats: Value,
  channels: number | string | null | undefined,
): Value {
  const { type } = perGroup;
  const at = (step: string) => ({ name: nameOf(node, `${what}/${step}`), type });
  const column = emit.call(
    "Reshape",
    [perGroup, int64s(node, emit, `${what}/column`, [-1, 1])],
    {},
    at("rows"),
  );
  const repeated = emit.call("Expand", [column, repeats], {}, at("repeated"));
  const flat = emit.constant(int64Tensor([1], [-1]), nameOf(node, `${what}/flat`));
  return emit.call("Reshape", [repeated, flat], {}, { ...at("channel"), shape: [channels ?? null] });
}
