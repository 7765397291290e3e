import type { Parameter } from "../../objective/types.ts";
import type { TensorShare } from "../analysis-report.ts";
import type { EigenStep } from "./eigenpairs.ts";
import type { TensorTrace } from "./trace.ts";

/** Each tensor's part of the trace and of the energy of v₊ and v₋, in network order. */
export function tensorShares(
  parameters: readonly Parameter[],
  eigen: EigenStep,
  perTensor: readonly TensorTrace[],
): TensorShare[] {
  const vectorOf = (end: "top" | "bottom") => eigen.vectors[eigen.info.pairs.findIndex((p) => p.end === end)];
  const [top, bottom] = [vectorOf("top"), vectorOf("bottom")];
  const traces = new Map(perTensor.map((t) => [t.name, t]));
  return parameters.map((p) => ({
    name: p.name,
    size: p.size,
    trace: traces.get(p.name)?.trace ?? null,
    traceStandardError: traces.get(p.name)?.standardError ?? null,
    energyTop: energy(top, p),
    energyBottom: energy(bottom, p),
  }));
}

/** Σ vᵢ² over the tensor, of a unit vector. */
function energy(v: Float64Array | undefined, { offset, size }: Parameter): number | null {
  return v ? v.subarray(offset, offset + size).reduce((sum, x) => sum + x * x, 0) : null;
}
