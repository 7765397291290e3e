import { describe, expect, it } from "vitest";
import { suggestOption } from "../../src/commands/suggest-option.ts";

describe("suggestOption", () => {
  const options = ["data", "test-data", "samples", "top", "tol", "out", "seed"];

  it.each([
    ["dataset", "data"],
    ["batch-size", undefined],
    ["smaples", "samples"],
    ["output-dir", "out"],
    ["num-eigenthings", "top"],
    ["n-samples", "samples"],
  ])("--%s means --%s", (typed, meant) => {
    expect(suggestOption(typed, options)).toBe(meant);
  });
});
