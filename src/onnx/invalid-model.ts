import { LandscapeError } from "../errors.ts";

/** An INVALID_MODEL error: `cannot read model "path": <problem>`. */
export function invalidModel(
  path: string | undefined,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): LandscapeError {
  const subject = path === undefined ? "cannot read model" : `cannot read model ${JSON.stringify(path)}`;
  return new LandscapeError(
    "INVALID_MODEL",
    `${subject}: ${problem}`,
    path === undefined ? details : { path, ...details },
    cause === undefined ? undefined : { cause },
  );
}

/** Thrown while decoding by code that does not know the file's path; `decodeModel` adds it. */
export class Problem extends Error {
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.details = details;
  }
}

/** A name as it is quoted in messages: long ones, which a hostile file may hold, are cut. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
