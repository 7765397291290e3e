/** What went wrong, for callers that branch on it; the sentence in `message` is for people. */
export type ErrorCode =
  | "UNSUPPORTED_OP"
  | "INVALID_MODEL"
  | "INVALID_DATA"
  | "INVALID_OPTION"
  | "RUN_FOLDER"
  | "RUNTIME_FAILED"
  | "NONDETERMINISTIC"
  | "INTERRUPTED"
  | "INTERNAL";

/**
 * The one error class of the project. `message` reads
 * `<what failed>: <offender>; expected <…>, got <…>. <what to do>`.
 */
export class LandscapeError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "LandscapeError";
    this.code = code;
    this.details = details;
  }
}

/** What to lower when memory runs out. Sums over other batches have other last bits, so that these begin another run. */
export const memoryAdvice: string =
  "lower --workers, and the same run folder continues; or --memory or --batch, which makes it another run";

/** The error for memory that ran out while `what`. */
export function outOfMemory(what: string, cause?: unknown): LandscapeError {
  return new LandscapeError("RUNTIME_FAILED", `out of memory: ${what}. ${memoryAdvice}`, {}, { cause });
}

/** Any error as ours: one sentence, whatever was thrown. */
export function asLandscapeError(error: unknown): LandscapeError {
  if (error instanceof LandscapeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /allocation failed|array length/i.test(message)) {
    return outOfMemory(`${message} (--max-products counts too: each product keeps a vector)`, error);
  }
  return new LandscapeError(
    "INTERNAL",
    `${message} (internal: please report; --debug shows where)`,
    {},
    { cause: error },
  );
}

/** Exit status of the command line: 2 wrong usage or unusable input, 1 failed while running, 130 interrupted. */
export function exitStatus(error: unknown): 1 | 2 | 130 {
  if (!(error instanceof LandscapeError)) return 1;
  switch (error.code) {
    case "UNSUPPORTED_OP":
    case "INVALID_MODEL":
    case "INVALID_DATA":
    case "INVALID_OPTION":
    case "RUN_FOLDER":
      return 2;
    case "INTERRUPTED":
      return 130;
    default:
      return 1;
  }
}
