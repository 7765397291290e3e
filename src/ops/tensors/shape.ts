import type { Call, Value } from "../../onnx/graph.ts";
import { int64Tensor, sizeOf, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldReshape, foldTranspose } from "../fold/indexing.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import {
  axesOf,
  axisOf,
  constantInts,
  misfit,
  operand,
  range,
  requiredInts,
  sameDims,
  tensorType,
  typeOf,
} from "../typing.ts";

/** Operators that keep the elements and change the shape. Since shapes are static, all but Transpose are Reshape. */

function reshapeDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const wanted = requiredInts(call, 1, "a shape");
  const keepZero = call.int("allowzero", 0) !== 0;
  const to = wanted.map((d, i) => {
    if (d !== 0 || keepZero) return d;
    if (i >= dims.length) throw misfit(call, `at most ${dims.length} axes where the shape has 0`);
    return dims[i]!;
  });
  const size = sizeOf(dims);
  const free = to.indexOf(-1);
  if (free >= 0) {
    const rest = sizeOf(to.filter((_, i) => i !== free));
    to[free] = rest === 0 ? 0 : size / rest;
  }
  if (to.some((d) => d < 0 || !Number.isInteger(d)) || sizeOf(to) !== size)
    throw misfit(call, `a shape for ${size} elements, not [${wanted.join(", ")}]`);
  return to;
}

function flattenDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const axis = call.int("axis", 1);
  const at = axis === dims.length ? axis : axisOf(call, axis, Math.max(1, dims.length));
  return [sizeOf(dims.slice(0, at)), sizeOf(dims.slice(at))];
}

function squeezeDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const given = constantInts(call, 1, "axes");
  if (given === undefined) return dims.filter((d) => d !== 1);
  const axes = axesOf(call, given, dims.length);
  if (axes.some((a) => dims[a] !== 1)) throw misfit(call, `axes of length 1, not [${given.join(", ")}]`);
  return dims.filter((_, i) => !axes.includes(i));
}

function unsqueezeDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const given = requiredInts(call, 1, "axes");
  const rank = dims.length + given.length;
  const axes = axesOf(call, given, rank);
  const rest = dims.values();
  return range(rank).map((i) => (axes.includes(i) ? 1 : (rest.next().value as number)));
}

/** Base of a chain of Reshapes. */
function reshapeBase(x: Value): Value {
  let base = x;
  while (base.producer?.op === "Reshape" && base.producer.domain === "") base = base.producer.x(0);
  return base;
}

function reshaped(dimsOf: (call: Call) => number[]): OpRecord {
  return {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, dimsOf(call))],
    fold: (call) => foldReshape(call, dimsOf(call)),
    simplify: (b, call) => simplifyReshape(b, call, dimsOf(call)),
    vjp: (s) => s.b.reshape(s.dy(), s.x(0).dims),
  };
}

function simplifyReshape(b: GraphBuilder, call: Call, dims: readonly number[]): Value | undefined {
  const base = reshapeBase(operand(call, 0));
  if (sameDims(base.dims, dims)) return base;
  const canonical =
    call.op === "Reshape" &&
    base === call.x(0) &&
    (call.attributes.size === 0 || dims.includes(0)) &&
    sameDims(requiredInts(call, 1, "a shape"), dims);
  if (canonical) return undefined;
  return b.reshape(base, dims);
}

function permOf(call: Call): readonly number[] {
  const rank = typeOf(call, 0).dims.length;
  const perm = call.ints("perm") ?? range(rank).reverse();
  if (
    !sameDims(
      [...perm].sort((a, b) => a - b),
      range(rank),
    )
  )
    throw misfit(call, `a permutation of ${rank} axes, not [${perm.join(", ")}]`);
  return perm;
}

function simplifyTranspose(b: GraphBuilder, call: Call): Value | undefined {
  const x = operand(call, 0);
  const perm = permOf(call);
  const inner = x.producer;
  if (inner?.op === "Transpose" && inner.domain === "") {
    const first = permOf(inner);
    return b.transpose(
      inner.x(0),
      perm.map((p) => first[p]!),
    );
  }
  // Moving axes of length 1 moves no element.
  const moved = perm.filter((p) => x.dims[p] !== 1);
  if (moved.every((p, i) => i === 0 || p > moved[i - 1]!))
    return b.reshape(
      x,
      perm.map((p) => x.dims[p]!),
    );
  return call.attributes.has("perm") ? undefined : b.transpose(x, perm);
}

function shapeOf(call: Call): readonly number[] {
  const { dims } = typeOf(call, 0);
  return dims.slice(call.int("start", 0), call.attributes.has("end") ? call.int("end", 0) : undefined);
}

const inferInts =
  (length?: (call: Call) => number) =>
  (call: Call): readonly TensorType[] => [{ type: "int64", dims: length ? [length(call)] : [] }];

export const shape: RuleTable = {
  Reshape: reshaped(reshapeDims),
  Flatten: reshaped(flattenDims),
  Squeeze: reshaped(squeezeDims),
  Unsqueeze: reshaped(unsqueezeDims),
  Transpose: {
    wrt: [0],
    infer: (call) => {
      const { type, dims } = typeOf(call, 0);
      return [
        tensorType(
          call,
          type,
          permOf(call).map((p) => dims[p]!),
        ),
      ];
    },
    fold: (call) => foldTranspose(call, permOf(call)),
    simplify: simplifyTranspose,
    vjp: (s) => {
      const perm = permOf(s.node);
      return s.b.transpose(
        s.dy(),
        perm.map((_, i) => perm.indexOf(i)),
      );
    },
  },
  // Shapes are static: these are constants.
  Shape: {
    wrt: [],
    infer: inferInts((call) => shapeOf(call).length),
    fold: (call) => [int64Tensor([shapeOf(call).length], shapeOf(call))],
  },
  Size: {
    wrt: [],
    infer: inferInts(),
    fold: (call) => [int64Tensor([], [sizeOf(typeOf(call, 0).dims)])],
  },
};
