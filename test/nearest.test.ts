import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "../src/nearest.ts";

describe("editDistance", () => {
  it.each([
    ["", "abc", 3],
    ["data", "data", 0],
    ["dtaa", "data", 1],
    ["kitten", "sitting", 3],
    ["top", "tol", 1],
  ])("%s → %s is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe("nearest", () => {
  it("finds slips of the finger, not other words", () => {
    expect(nearest("reprot", ["report", "trace", "hvp"])).toBe("report");
    expect(nearest("xylophone", ["report", "trace", "hvp"])).toBeUndefined();
  });

  it("completes a beginning", () => {
    expect(nearest("surf", ["report", "surface"])).toBe("surface");
  });
});
