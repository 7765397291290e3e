import type { Attribute, Call, Value } from "../../onnx/graph.ts";
import { sizeOf, type TensorType } from "../../onnx/tensor.ts";
import { float, type GraphBuilder } from "../builder.ts";
import { activated } from "../elementwise/activations.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import { broadcast, floatOperand, misfit, range, sameDims, sameType, tensorType, typeOf } from "../typing.ts";
import { expandEinsum, inferEinsum } from "./einsum.ts";

/** Matrix products. */

function inferMatMul(call: Call): readonly TensorType[] {
  const type = sameType(call, [0, 1]);
  const [a, b] = [typeOf(call, 0).dims, typeOf(call, 1).dims];
  return [tensorType(call, type, productDims(call, a, b))];
}

/** NumPy's rule: vectors are rows on the left and columns on the right, and leave no axis. */
function productDims(call: Call, a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || b.length === 0) throw misfit(call, "operands of rank ≥ 1");
  const [rows, columns] = [a.length > 1 ? [a.at(-2)!] : [], b.length > 1 ? [b.at(-1)!] : []];
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2));
  if (a.at(-1) !== b.at(b.length > 1 ? -2 : -1) || batch === undefined)
    throw misfit(call, "matrices [..., m, k] and [..., k, n] that fit");
  return [...batch, ...rows, ...columns];
}

/** Vectors become matrices of one row or column. */
function expandVectors(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const [x, y] = [call.x(0), call.x(1)];
  if (x.dims.length > 1 && y.dims.length > 1) return undefined;
  const rows = x.dims.length === 1 ? b.reshape(x, [1, x.dims[0]!]) : x;
  const columns = y.dims.length === 1 ? b.reshape(y, [y.dims[0]!, 1]) : y;
  return [b.reshape(b.matmul(rows, columns), inferMatMul(call)[0]!.dims)];
}

function matMulVjp(s: VjpScope, input: number): Value {
  const { b } = s;
  const [x, w] = [s.x(0), s.x(1)];
  if (input === 0) return b.matmul(s.dy(), b.transposeLast(w));
  if (sizeOf(w.dims.slice(0, -2)) > 1) return b.matmul(b.transposeLast(x), s.dy());
  // One weight for the whole batch: one product over all rows, not a sum of one for each sample.
  const rows = (v: Value) => b.reshape(v, [sizeOf(v.dims.slice(0, -1)), v.dims.at(-1)!]);
  const dw = gemm(b, rows(x), rows(s.dy()), 1, 0);
  return b.reshape(dw, w.dims);
}

/** α·A′·B′ of matrices, each transposed or not. */
function gemm(b: GraphBuilder, x: Value, y: Value, transA: number, transB: number, alpha = 1): Value {
  if (transA === 0 && transB === 0 && alpha === 1) return b.matmul(x, y);
  return b.call("Gemm", [x, y], { transA, transB, alpha: float(alpha) });
}

function inferGemm(call: Call): readonly TensorType[] {
  const type = sameType(call, call.has(2) ? [0, 1, 2] : [0, 1]);
  const [a, b] = [typeOf(call, 0).dims, typeOf(call, 1).dims];
  if (a.length !== 2 || b.length !== 2) throw misfit(call, "two matrices");
  const [m, k] = call.int("transA", 0) ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
  const [l, n] = call.int("transB", 0) ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
  if (k !== l) throw misfit(call, "matrices [m, k] and [k, n] that fit");
  const fits = !call.has(2) || sameDims(broadcast(call.x(2).dims, [m, n]) ?? [], [m, n]);
  if (!fits) throw misfit(call, `an addend that broadcasts to [${m}, ${n}]`);
  return [tensorType(call, type, [m, n])];
}

function gemmVjp(s: VjpScope, input: number): Value {
  const { b, node } = s;
  const [transA, transB] = [node.int("transA", 0), node.int("transB", 0)];
  const alpha = node.float("alpha", 1);
  if (input === 2) return b.mul(s.dy(), node.float("beta", 1));
  if (input === 0)
    return transA ? gemm(b, s.x(1), s.dy(), transB, 1, alpha) : gemm(b, s.dy(), s.x(1), 0, 1 - transB, alpha);
  return transB ? gemm(b, s.dy(), s.x(0), 1, transA, alpha) : gemm(b, s.x(0), s.dy(), 1 - transA, 0, alpha);
}

/** An operand of FusedMatMul as its product takes it. */
function fusedOperand(b: GraphBuilder, call: Call, input: number, name: "A" | "B"): Value {
  let x = call.x(input);
  const rank = x.dims.length;
  // [m, batch…, k]: the batch moves to the front.
  if (call.int(`transBatch${name}`, 0) && rank > 2)
    x = b.transpose(x, [...range(rank - 2).map((i) => i + 1), 0, rank - 1]);
  return call.int(`trans${name}`, 0) && rank > 1 ? b.transposeLast(x) : x;
}

const fusedMatMul: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const type = sameType(call, [0, 1]);
    const operands = (["A", "B"] as const).map((name, i) => fusedDims(call, i, name));
    return [tensorType(call, type, productDims(call, operands[0]!, operands[1]!))];
  },
  expand: (b, call) => {
    const y = b.matmul(fusedOperand(b, call, 0, "A"), fusedOperand(b, call, 1, "B"));
    return [b.mul(y, call.float("alpha", 1))];
  },
};

export const matmul: RuleTable = {
  MatMul: {
    wrt: [0, 1],
    infer: inferMatMul,
    expand: expandVectors,
    vjp: matMulVjp,
  },
  Gemm: {
    wrt: [0, 1, 2],
    infer: inferGemm,
    vjp: gemmVjp,
  },
  "com.microsoft::FusedMatMul": fusedMatMul,
  // Its older name.
  "com.microsoft::TransposeMatMul": fusedMatMul,
  "com.microsoft::FusedGemm": {
    wrt: [0, 1, 2],
    infer: inferGemm,
    expand: (b, call) => {
      const prefix = "activation_";
      const [own, other] = [new Map<string, Attribute>(), new Map<string, Attribute>()];
      for (const [name, value] of call.attributes) {
        if (name.startsWith(prefix)) other.set(name.slice(prefix.length), value);
        else if (name !== "activation") own.set(name, value);
      }
      return [activated(b, call, b.call("Gemm", call.inputs, own), other)];
    },
  },
  Einsum: {
    wrt: "all",
    infer: (call) => {
      floatOperand(call, 0);
      return inferEinsum(call);
    },
    expand: (b, call) => [expandEinsum(b, call)],
  },
};

/** Shape of `fusedOperand`. */
function fusedDims(call: Call, input: number, name: "A" | "B"): readonly number[] {
  let dims = typeOf(call, input).dims;
  if (call.int(`transBatch${name}`, 0) && dims.length > 2)
    dims = [...dims.slice(1, -1), dims[0]!, dims.at(-1)!];
  const swap = call.int(`trans${name}`, 0) && dims.length > 1;
  return swap ? [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!] : dims;
}
