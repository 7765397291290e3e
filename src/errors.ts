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
