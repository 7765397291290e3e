import { describe, expect, it } from "vitest";
import {
  countText,
  durationText,
  foldText,
  numberText,
  percentText,
  roundedTo,
  withError,
} from "../../src/analysis/number-text.ts";

describe("numberText", () => {
  it.each([
    [0, 4, "0"],
    [-0, 4, "0"],
    [1.23456, 4, "1.235"],
    [-109.1234, 4, "−109.1"],
    [0.00031, 2, "3.1e−4"],
    [0.00099996, 3, "0.001"],
    [123456, 3, "1.23e5"],
    [99999, 4, "1e5"],
    [12345, 2, "12000"],
    [Number.NaN, 4, "not a number"],
    [Number.NEGATIVE_INFINITY, 4, "−∞"],
  ])("%d to %i digits is %s", (value, digits, text) => {
    expect(numberText(value, digits)).toBe(text);
  });
});

describe("withError", () => {
  it.each([
    [-109.123, 0.38, "−109.1 ± 0.4"],
    [1937.52, 0.2, "1937.5 ± 0.2"],
    [885.7, 21.9, "890 ± 20"],
    [885.7, 13.4, "886 ± 13"],
    [8100, 203, "8100 ± 200"],
    [0.1, 2.6, "0 ± 3"],
    [-0.004, 0.02, "0.00 ± 0.02"],
    [-0.00290086, 0.00002, "−0.00290 ± 0.00002"],
    [4.0868e-6, 3e-9, "4.087e−6 ± 0.003e−6"],
    [812345, 20000, "8.1e5 ± 0.2e5"],
    [-1e-12, 3e-6, "0 ± 3e−6"],
    [5, 0, "5"],
    [5.25, Number.NaN, "5.25"],
    [1e-7, 0.5, "0.0 ± 0.5"],
  ])("%d with error %d is %s", (value, error, text) => {
    expect(withError(value, error)).toBe(text);
  });

  it("rounds the value alone to the same place", () => {
    expect(roundedTo(17.77, 0.9)).toBe("17.8");
    expect(roundedTo(17.77, 3)).toBe("18");
  });
});

describe("the rest", () => {
  it("says how many copies of an eigenvalue there are at least, if there are", () => {
    expect([undefined, 1, 10].map(foldText)).toEqual(["", "", ", at least 10-fold"]);
  });

  it("writes counts, percentages and times as people do", () => {
    expect(countText(1234567)).toBe("1,234,567");
    expect(percentText(0.0312)).toBe("3.1 %");
    expect(percentText(-0.5)).toBe("−50 %");
    expect([0.2, 4.4, 99, 130, 3600, 4800].map(durationText)).toEqual([
      "1 s",
      "4 s",
      "99 s",
      "2 min",
      "1 h",
      "1 h 20 min",
    ]);
    expect(durationText(Number.NaN)).toBe("an unknown time");
  });
});
