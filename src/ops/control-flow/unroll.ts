import { LandscapeError } from "../../errors.ts";
import type { Call } from "../../onnx/graph.ts";

/** Steps that a loop or a recurrent cell is unrolled for: an exact Hessian-vector product has some hundred nodes for each. */
export const MAX_STEPS = 1024;

export function assertUnrollable(call: Call, steps: number): void {
  if (steps <= MAX_STEPS) return;
  throw new LandscapeError(
    "UNSUPPORTED_OP",
    `cannot unroll ${call.op}: it runs for ${steps} steps; expected at most ${MAX_STEPS}. Use data with shorter sequences`,
    { op: call.op, steps },
  );
}
