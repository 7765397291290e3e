import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { dot } from "../../src/numerics/vector.ts";

/** A random symmetric matrix of order n plus `shift`·I, and its spectrum, ascending, by ml-matrix. */
export function denseOperator(
  n: number,
  seed: number,
  shift: number = 0,
): { operator: SymmetricOperator; spectrum: number[] } {
  const rows = Array.from({ length: n }, (_, index) => {
    const row = new Float64Array(n);
    gaussian({ seed, purpose: "dense", name: "", index }, row);
    return row;
  });
  const matrix = rows.map((row, i) =>
    Float64Array.from(row, (x, j) => (x + rows[j]![i]!) / 2 + (i === j ? shift : 0)),
  );
  const oracle = new EigenvalueDecomposition(new Matrix(matrix.map((row) => [...row])), {
    assumeSymmetric: true,
  });
  const operator: SymmetricOperator = {
    n,
    apply: async (x, out) => {
      matrix.forEach((row, i) => {
        out[i] = dot(row, x);
      });
      return { error: 0 };
    },
  };
  return { operator, spectrum: [...oracle.realEigenvalues].sort((a, b) => a - b) };
}
