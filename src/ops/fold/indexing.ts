import type { Call } from "../../onnx/graph.ts";
import { sizeOf, type Tensor, type TensorData } from "../../onnx/tensor.ts";
import {
  broadcastStrides,
  constants,
  emptyLike,
  FOLD_LIMIT,
  type MutableData,
  numbers,
  positions,
  small,
  stored,
  strided,
  stridesOf,
  taken,
} from "./fold.ts";

/** Constants rearranged: the same elements in other places. */

export function foldReshape(call: Call, dims: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  return tensor && [{ type: tensor.type, dims, data: tensor.data }];
}

export function foldTranspose(call: Call, perm: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  return strided(
    tensor,
    perm.map((p) => tensor.dims[p]!),
    perm.map((p) => own[p]!),
  );
}

export function foldExpand(call: Call, dims: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  return tensor && strided(tensor, dims, broadcastStrides(tensor.dims, dims));
}

export function foldTile(call: Call, repeats: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  const view = strided(
    tensor,
    tensor.dims.flatMap((d, i) => [repeats[i]!, d]),
    own.flatMap((s) => [0, s]),
  );
  return view?.map((t) => ({ ...t, dims: tensor.dims.map((d, i) => d * repeats[i]!) }));
}

/** `starts` and `steps` of all axes, resolved. */
export function foldSlice(
  call: Call,
  dims: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  const offset = own.reduce((sum, s, i) => sum + s * starts[i]!, 0);
  return strided(
    tensor,
    dims,
    own.map((s, i) => s * steps[i]!),
    offset,
  );
}

export function foldConcat(call: Call, axis: number): readonly Tensor[] | undefined {
  const parts = constants(call);
  const first = parts?.[0];
  if (parts === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, t) => sum + sizeOf(t.dims), 0);
  if (total > FOLD_LIMIT || parts.some((t) => t.type !== first.type)) return undefined;
  const dims = first.dims.map((d, i) => (i === axis ? parts.reduce((s, t) => s + t.dims[axis]!, 0) : d));
  const data = emptyLike(first.type, total) as MutableData;
  const outer = sizeOf(dims.slice(0, axis));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const t of parts) {
      const run = sizeOf(t.dims.slice(axis));
      for (let i = 0; i < run; i++) data[at++] = t.data[o * run + i];
    }
  }
  return [{ type: first.type, dims, data: data as TensorData }];
}

export function foldGather(call: Call, axis: number): readonly Tensor[] | undefined {
  const [tensor, index] = [small(call.x(0)), small(call.x(1))];
  const indices = index && numbers(index);
  if (tensor === undefined || index === undefined || indices === undefined) return undefined;
  const [before, d, after] = [tensor.dims.slice(0, axis), tensor.dims[axis]!, tensor.dims.slice(axis + 1)];
  const dims = [...before, ...index.dims, ...after];
  if (sizeOf(dims) > FOLD_LIMIT) return undefined;
  const inner = sizeOf(after);
  const at: number[] = [];
  for (let o = 0; o < sizeOf(before); o++)
    for (const i of indices)
      for (let k = 0; k < inner; k++) at.push((o * d + (i < 0 ? i + d : i)) * inner + k);
  return [taken(tensor, dims, at)];
}

export function foldOneHot(call: Call, axis: number, depth: number): readonly Tensor[] | undefined {
  const [index, , offOn] = constants(call) ?? [];
  const chosen = index && numbers(index);
  if (index === undefined || offOn === undefined || chosen === undefined) return undefined;
  const dims = index.dims.toSpliced(axis, 0, depth);
  if (sizeOf(dims) > FOLD_LIMIT) return undefined;
  const strides = stridesOf(index.dims).toSpliced(axis, 0, 0);
  const inner = sizeOf(dims.slice(axis + 1));
  const at = positions(dims, strides).map((from, i) => {
    const k = Math.floor(i / inner) % depth;
    return Number(chosen[from] === k || chosen[from] === k - depth);
  });
  return [taken(offOn, dims, at)];
}

/** Where the elements that `index` names along `axis` lie in a tensor of shape `dims`. */
export function elementsAt(index: Tensor, dims: readonly number[], axis: number): Int32Array | undefined {
  const chosen = numbers(index);
  if (chosen === undefined) return undefined;
  const strides = stridesOf(dims);
  const others = strides.map((s, i) => (i === axis ? 0 : s));
  const d = dims[axis]!;
  return positions(index.dims, others).map((at, i) => {
    const k = chosen[i]!;
    return at + (k < 0 ? k + d : k) * strides[axis]!;
  });
}

export function foldGatherElements(call: Call, axis: number): readonly Tensor[] | undefined {
  const [tensor, index] = [small(call.x(0)), small(call.x(1))];
  const at = tensor && index && elementsAt(index, tensor.dims, axis);
  return at && [taken(tensor, index.dims, at)];
}

/** What becomes of an element and what is written to it; null: it is overwritten. */
export type Merge = ((element: number, update: number) => number) | null;

/** TorchScript's `shape[i] = n`; counts of a fixed graph's edges. */
export function foldScatterElements(call: Call, axis: number, merge: Merge): readonly Tensor[] | undefined {
  const [tensor, index, updates] = [small(call.x(0)), small(call.x(1)), small(call.x(2))];
  const at = tensor && updates && index && elementsAt(index, tensor.dims, axis);
  return at && written(tensor, updates, at, merge);
}

function written(
  tensor: Tensor,
  updates: Tensor,
  at: Int32Array,
  merge: Merge,
): readonly Tensor[] | undefined {
  if (merge === null) {
    const data = tensor.data.slice() as MutableData;
    for (const [i, place] of at.entries()) data[place] = updates.data[i];
    return [{ type: tensor.type, dims: tensor.dims, data: data as TensorData }];
  }
  const [x, u] = [numbers(tensor), numbers(updates)];
  if (x === undefined || u === undefined) return undefined;
  for (const [i, place] of at.entries()) x[place] = merge(x[place]!, u[i]!);
  return stored(tensor.type, tensor.dims, x);
}

/** Where the slices begin that the rows of `index` name in a tensor of shape `dims`, and their elements. */
export function slicesAt(
  index: Tensor,
  dims: readonly number[],
  batch = 0,
): { starts: Int32Array; inner: number } | undefined {
  const chosen = numbers(index);
  const k = index.dims.at(-1) ?? 0;
  const axisOf = (at: number) => batch + (at % k);
  // What lies outside is for the runtime to refuse.
  const isInside = (i: number, at: number) => i >= -dims[axisOf(at)]! && i < dims[axisOf(at)]!;
  if (chosen === undefined || k === 0 || !chosen.every(isInside)) return undefined;
  const strides = stridesOf(dims);
  const each = sizeOf(index.dims.slice(batch, -1));
  const starts = Int32Array.from({ length: chosen.length / k }, (_, row) => {
    return Math.floor(row / each) * sizeOf(dims.slice(batch));
  });
  for (const [at, i] of chosen.entries()) {
    const axis = axisOf(at);
    starts[Math.floor(at / k)]! += (i < 0 ? i + dims[axis]! : i) * strides[axis]!;
  }
  return { starts, inner: sizeOf(dims.slice(batch + k)) };
}

export function foldGatherNd(
  call: Call,
  dims: readonly number[],
  batch: number,
): readonly Tensor[] | undefined {
  const [tensor, index] = [small(call.x(0)), small(call.x(1))];
  const slices = tensor && index && slicesAt(index, tensor.dims, batch);
  if (!slices || sizeOf(dims) > FOLD_LIMIT) return undefined;
  return [taken(tensor, dims, elementsOf(slices))];
}

function elementsOf({ starts, inner }: { starts: Int32Array; inner: number }): Int32Array {
  return Int32Array.from(
    { length: starts.length * inner },
    (_, i) => starts[Math.floor(i / inner)]! + (i % inner),
  );
}

export function foldScatterNd(call: Call, merge: Merge): readonly Tensor[] | undefined {
  const [tensor, index, updates] = [small(call.x(0)), small(call.x(1)), small(call.x(2))];
  const slices = tensor && updates && index && slicesAt(index, tensor.dims);
  return slices && written(tensor, updates, elementsOf(slices), merge);
}
