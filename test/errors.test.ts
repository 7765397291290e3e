import { describe, expect, it } from "vitest";
import { asLandscapeError, exitStatus, LandscapeError } from "../src/errors.ts";

describe("whatever is thrown", () => {
  it("as memory that V8 cannot get says what to lower, and fails with status 1", () => {
    const thrown = (() => {
      try {
        // More than any machine has.
        return new Float64Array(2 ** 40) as unknown;
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(RangeError);
    const error = asLandscapeError(thrown);
    expect(error.message).toMatch(/^out of memory: .*--max-products.*lower --workers.*--memory or --batch/);
    expect(exitStatus(error)).toBe(1);
  });

  it("is kept when it is ours, and named as our fault when it is not known", () => {
    const ours = new LandscapeError("INVALID_DATA", "no");
    expect(asLandscapeError(ours)).toBe(ours);
    const unknown = asLandscapeError(new TypeError("x is not a function"));
    expect(unknown).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("please report") });
    expect(exitStatus(unknown)).toBe(1);
    expect(asLandscapeError("text").message).toContain("text");
  });
});
