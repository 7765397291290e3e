import { whole } from "../data/index.ts";
import { asLandscapeError, LandscapeError } from "../errors.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { distance, norm } from "../numerics/index.ts";
import type { Device } from "../runtime/index.ts";
import { LocalExecutor } from "./local-executor.ts";
import { type OpenedProblem, type OpenedSplit, openInProcess } from "./opened.ts";
import type { ProblemSpec } from "./problem-spec.ts";
import { addGroups, type GroupResult } from "./tasks.ts";

/** Samples on which a device is compared with the CPU. */
const FEW = 16;
/** Far above what rounding does, units that it puts on the other side of a kink included; far below a wrong kernel. */
const WRONG = { loss: 1e-2, tensor: 0.05 };
/** Gradients of single tensors are compared with at least this part of the whole. */
const SMALLEST = 0.01;

/**
 * Opens a problem; on another device than the CPU its loss and gradient of a few samples must be those of the CPU, since
 * kernels and drivers of GPUs have been wrong. Else "auto" falls back to the CPU, and a device asked for is refused.
 */
export async function openChecked(spec: ProblemSpec): Promise<OpenedProblem> {
  const opened = await openInProcess(spec);
  const { device } = opened.runtime;
  if (device === "cpu") return opened;
  const fault = await faultOf(spec, opened);
  if (fault === null) return opened;
  await opened.close();
  const why = `${device} cannot be used for this model: ${fault}`;
  if (spec.device !== "auto") {
    throw new LandscapeError("RUNTIME_FAILED", `${why}. Use --device cpu`, { device });
  }
  const safe = await openInProcess({ ...spec, device: "cpu" });
  return { ...safe, runtime: { ...safe.runtime, notice: `${why}; running on the CPU` } };
}

/** Why the device is not to be trusted, in words; null: nothing speaks against it. */
async function faultOf(spec: ProblemSpec, opened: OpenedProblem): Promise<string | null> {
  const expected = await few(spec, opened, "cpu");
  try {
    const fault = disagreement(
      opened.checkpoint.parameters,
      await few(spec, opened, opened.runtime.device),
      expected,
    );
    return fault && `${fault} on ${FEW} samples, compared with the CPU`;
  } catch (error) {
    return asLandscapeError(error).message;
  }
}

/** Loss and gradient (where there is one) of the first samples on one device. */
async function few(spec: ProblemSpec, opened: OpenedProblem, device: Device): Promise<GroupResult> {
  const { samples, batchSize } = (opened.splits.get("train") as OpenedSplit).dataset;
  const train = spec.train && { ...spec.train, samples: batchSize ?? Math.min(FEW, samples) };
  const problem = await openInProcess({ ...spec, device, train, test: null, holdOut: undefined });
  try {
    const { evaluator, groups } = (problem.splits.get("train") as OpenedSplit).part(whole);
    const kind = problem.obstacle === null ? "gradient" : "evaluate";
    const { theta } = problem.checkpoint;
    return addGroups(await new LocalExecutor(evaluator, groups).run({ kind, theta }));
  } finally {
    await problem.close();
  }
}

/** In what two results differ by more than rounding, in words; null if in nothing. */
export function disagreement(
  parameters: Checkpoint["parameters"],
  found: GroupResult,
  expected: GroupResult,
): string | null {
  const loss = relative(Math.abs(found.loss - expected.loss), Math.abs(expected.loss));
  if (loss > WRONG.loss) return `the loss is off by ${percent(loss)}`;
  if (!found.vector || !expected.vector) return null;
  const least = SMALLEST * norm(expected.vector);
  let [worst, where] = [0, ""];
  for (const { name, offset, size } of parameters) {
    const a = found.vector.subarray(offset, offset + size);
    const b = expected.vector.subarray(offset, offset + size);
    const off = relative(distance(a, b), Math.max(norm(b), least));
    if (off > worst) [worst, where] = [off, name];
  }
  return worst > WRONG.tensor ? `the gradient of ${JSON.stringify(where)} is off by ${percent(worst)}` : null;
}

/** Infinite where only one is a number; a loss that is not finite on the CPU either is no fault of the device. */
function relative(off: number, size: number): number {
  if (off === 0 || !Number.isFinite(size)) return 0;
  return Number.isNaN(off) ? Number.POSITIVE_INFINITY : off / size;
}

function percent(x: number): string {
  return Number.isFinite(x) ? `${(100 * x).toPrecision(2)} %` : "everything";
}
