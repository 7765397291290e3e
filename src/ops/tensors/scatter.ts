import { type Call, stringAttribute, type Value } from "../../onnx/graph.ts";
import { int64Tensor, sizeOf, type Tensor, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { elementsAt, foldScatterElements, foldScatterNd, type Merge, slicesAt } from "../fold/indexing.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { axisOf, misfit, range, sameDims, sameType, typeOf } from "../typing.ts";
import { elementsAxis, gatherAxis, gatherNdDims, zerosLike } from "./indexing.ts";

/** Operators that write by index: assignments, sums, products and extrema. */

const SCATTER_REDUCTIONS: ReadonlyMap<string, Merge> = new Map<string, Merge>([
  ["none", null],
  ["add", (x, update) => x + update],
  ["mul", (x, update) => x * update],
  ["min", Math.min],
  ["max", Math.max],
]);

function scatterReduction(call: Call): string {
  const reduction = call.string("reduction", "none");
  if (!SCATTER_REDUCTIONS.has(reduction))
    throw misfit(call, `a reduction among ${[...SCATTER_REDUCTIONS.keys()].join(", ")}, not "${reduction}"`);
  return reduction;
}

const mergeOf = (call: Call): Merge => SCATTER_REDUCTIONS.get(scatterReduction(call)) ?? null;

/**
 * Scatter: with "add" the data's gradient passes whole; with "none" what was overwritten gets none, be it data or an
 * update that a later one replaced. Those who attain a minimum or maximum share equally, the data's element too, as
 * PyTorch's `scatter_reduce`.
 */
function scatter(
  op: "ScatterElements" | "ScatterND",
  infer: OpRecord["infer"],
  read: (b: GraphBuilder, call: Call, from: Value) => Value,
  places: (call: Call, index: Tensor) => Int32Array | undefined,
): OpRecord {
  const write = (b: GraphBuilder, call: Call, data: Value, updates: Value, reduction: string) =>
    b.call(
      op,
      [data, call.x(1), updates],
      new Map([...call.attributes, ["reduction", stringAttribute(reduction)]]),
    );
  const mayRepeat = (call: Call): boolean => {
    const index = call.x(1).tensor;
    const at = index && places(call, index);
    return at === undefined || new Set(at).size < at.length;
  };
  const isExtremum = (call: Call) => ["min", "max"].includes(scatterReduction(call));
  /** Which elements of data and updates attain the extremum, and how many each result has. */
  const winners = (b: GraphBuilder, call: Call, y: Value): readonly [Value, Value, Value] => {
    const { type } = call.x(0).static;
    const [data, updates] = [b.equal(call.x(0), y), b.equal(call.x(2), read(b, call, y))];
    return [data, updates, write(b, call, b.cast(data, type), b.cast(updates, type), "add")];
  };
  /**
   * Which updates stay, where several may go to one place: ONNX leaves open which one wins, so the order is written by
   * the same operator, and whoever reads its own number back has won.
   */
  const survivors = (b: GraphBuilder, call: Call): Value => {
    const { dims } = call.x(2);
    const [first, end, step] = [0, sizeOf(dims), 1].map((n) => b.scalar(n, "int64"));
    const order = b.reshape(b.call("Range", [first!, end!, step!]), dims);
    const nobody = b.filled({ type: "int64", dims: call.x(0).dims }, -1);
    return b.equal(read(b, call, write(b, call, nobody, order, "none")), order);
  };
  return {
    wrt: [0, 2],
    infer: (call) => {
      scatterReduction(call);
      return infer(call);
    },
    expand: (b, call) => (scatterReduction(call) === "mul" ? [scatterProducts(b, call)] : undefined),
    vjp: (s, i) => {
      const { b, node } = s;
      if (isExtremum(node)) {
        const won = winners(b, node, s.y());
        const share = b.div(s.dy(), won[2]);
        return i === 0 ? b.where(won[0], share, 0) : b.where(won[1], read(b, node, share), 0);
      }
      const isSum = scatterReduction(node) === "add";
      if (i === 0) return isSum ? s.dy() : write(b, node, s.dy(), zerosLike(b, s.x(2)), "none");
      const given = read(b, node, s.dy());
      return isSum || !mayRepeat(node) ? given : b.where(survivors(b, node), given, 0);
    },
    freeze: {
      decide: (b, call) => (isExtremum(call) ? winners(b, call, b.emit(call)[0] as Value) : []),
      apply: (b, call, [data, updates, count]) => {
        if (data === undefined || updates === undefined || count === undefined) return b.emit(call);
        const parts = [b.where(data, call.x(0), 0), b.where(updates, call.x(2), 0)] as const;
        return [b.div(write(b, call, ...parts, "add"), count)];
      },
    },
  };
}

/**
 * Scatter with "mul", as a product over all updates of what each does to each result: right at every order where
 * factors are 0, which a division by the factor is not.
 */
function scatterProducts(b: GraphBuilder, call: Call): Value {
  const data = call.x(0);
  const rows = call.op === "ScatterND" ? flatUpdates(b, call) : alongAxis(b, call);
  const d = rows.length;
  const positions = b.constant(int64Tensor([d, 1], range(d)));
  const index = b.cast(rows.index, "int64");
  const within = b.where(b.less(index, 0), b.add(index, d), index);
  const lead = within.dims.slice(0, -1);
  const hit = b.equal(b.reshape(within, [...lead, 1, within.dims.at(-1)!]), positions);
  const factors = b.where(hit, b.reshape(rows.updates, [...lead, 1, within.dims.at(-1)!]), 1);
  return b.mul(
    data,
    rows.spread(b.call("ReduceProd", [factors, b.ints([lead.length + 1])], { keepdims: 0 })),
  );
}

/** Updates and the results that they multiply, the scattered axis last. */
interface ScatteredRows {
  readonly index: Value;
  readonly updates: Value;
  readonly length: number;
  /** Factors [..., length] as the data's shape. */
  readonly spread: (factors: Value) => Value;
}

function alongAxis(b: GraphBuilder, call: Call): ScatteredRows {
  const { dims } = call.x(0);
  const axis = elementsAxis(call);
  const order = [...range(dims.length).filter((i) => i !== axis), axis];
  const back = range(dims.length).map((i) => order.indexOf(i));
  return {
    index: b.transpose(call.x(1), order),
    updates: b.transpose(call.x(2), order),
    length: dims[axis]!,
    spread: (factors) => {
      const moved = b.transpose(factors, back);
      const missing = dims.map((d, i) => d - moved.dims[i]!);
      // Results that no update reaches are multiplied by 1.
      return b.add(b.pad(b.sub(moved, 1), [...dims.map(() => 0), ...missing]), 1);
    },
  };
}

function flatUpdates(b: GraphBuilder, call: Call): ScatteredRows {
  const { dims } = call.x(0);
  const k = call.x(1).dims.at(-1)!;
  const count = sizeOf(call.x(1).dims.slice(0, -1));
  const rest = sizeOf(dims.slice(k));
  const tuple = b.reshape(b.cast(call.x(1), "int64"), [count, k]);
  const index = range(k)
    .map((axis) => {
      const part = b.reshape(b.slice(tuple, [axis], [axis + 1], [1]), [1, count]);
      return b.where(b.less(part, 0), b.add(part, dims[axis]!), part);
    })
    .reduce((sum, part, axis) => b.add(b.mul(sum, dims[axis]!), part));
  return {
    index: b.expand(index, [rest, count]),
    updates: b.transpose(b.reshape(call.x(2), [count, rest]), [1, 0]),
    length: sizeOf(dims.slice(0, k)),
    spread: (factors) => b.reshape(b.transpose(factors, [1, 0]), dims),
  };
}

function inferScatterElements(call: Call): readonly TensorType[] {
  elementsAxis(call);
  sameType(call, [0, 2]);
  if (!sameDims(typeOf(call, 1).dims, typeOf(call, 2).dims))
    throw misfit(call, "updates of the indices' shape");
  return [typeOf(call, 0)];
}

function inferScatterNd(call: Call): readonly TensorType[] {
  sameType(call, [0, 2]);
  const dims = gatherNdDims(call);
  if (!sameDims(typeOf(call, 2).dims, dims)) throw misfit(call, `updates of shape [${dims.join(", ")}]`);
  return [typeOf(call, 0)];
}

/** Writes each sample's steps into its cache from an index on; circular ones go on at the beginning. */
const tensorScatter: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const [past, update] = [typeOf(call, 0), typeOf(call, 1)];
    const axis = cacheAxis(call);
    const steps = update.dims[axis] ?? 0;
    const fits = sameDims(update.dims, past.dims.with(axis, steps)) && steps <= past.dims[axis]!;
    if (!fits || (call.has(2) && !sameDims(typeOf(call, 2).dims, [past.dims[0]!])))
      throw misfit(call, "a cache, steps that fit into it, and an index for each sample");
    return [past];
  },
  expand: (b, call) => {
    const { dims } = call.x(1);
    const axis = cacheAxis(call);
    const along = (v: Value, at: number) =>
      b.reshape(
        v,
        dims.map((_, i) => (i === at ? -1 : 1)),
      );
    const steps = along(b.ints(range(dims[axis]!)), axis);
    const index = call.has(2) ? b.add(steps, along(call.x(2), 0)) : steps;
    const circular = call.string("mode", "linear") === "circular";
    const within = circular ? b.call("Mod", [index, b.scalar(call.x(0).dims[axis]!, "int64")]) : index;
    return [b.call("ScatterElements", [call.x(0), b.expand(within, dims), call.x(1)], { axis })];
  },
};

function cacheAxis(call: Call): number {
  const axis = axisOf(call, call.int("axis", -2), typeOf(call, 0).dims.length);
  if (axis === 0) throw misfit(call, "an axis other than that of the samples");
  return axis;
}

export const scattering: RuleTable = {
  ScatterElements: {
    ...scatter(
      "ScatterElements",
      inferScatterElements,
      (b, call, from) => b.call("GatherElements", [from, call.x(1)], { axis: gatherAxis(call) }),
      (call, index) => elementsAt(index, call.x(0).dims, elementsAxis(call)),
    ),
    fold: (call) => {
      inferScatterElements(call);
      return foldScatterElements(call, elementsAxis(call), mergeOf(call));
    },
  },
  ScatterND: {
    ...scatter(
      "ScatterND",
      inferScatterNd,
      (b, call, from) => b.call("GatherND", [from, b.cast(call.x(1), "int64")]),
      (call, index) => slicesAt(index, call.x(0).dims)?.starts,
    ),
    fold: (call) => {
      inferScatterNd(call);
      return foldScatterNd(call, mergeOf(call));
    },
  },
  TensorScatter: tensorScatter,
};
