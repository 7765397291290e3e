import { describe, expect, test } from "vitest";
import { lookup, supportedOperators } from "../../src/ops/registry.ts";
import { cases } from "./cases.ts";

const keyOf = (c: { domain?: string; op: string }) => (c.domain ? `${c.domain}::${c.op}` : c.op);

const recordOf = (key: string) => {
  const [op, domain] = key.split("::").reverse() as [string, string?];
  return lookup(domain ?? "", op);
};

/** Control flow and sequences are no calls on tensors: control-flow.test.ts has models of them. */
const isResolved = (key: string) => recordOf(key)?.resolve !== undefined;

/** Random numbers are refused wherever they are drawn: unsupported.test.ts has a model of them. */
const isRandom = (key: string) => recordOf(key)?.impure === true && recordOf(key)?.wrt.length === 0;

describe("the registry", () => {
  test("finds records by domain and name", () => {
    expect(lookup("", "Relu")).toBeDefined();
    expect(lookup("ai.onnx", "Relu")).toBe(lookup("", "Relu"));
    expect(lookup("com.microsoft", "FastGelu")).toBeDefined();
    expect(lookup("com.microsoft", "Relu")).toBeUndefined();
    expect(lookup("", "toString")).toBeUndefined();
  });

  test("every record has a row in the table of cases", () => {
    const covered = new Set(cases.map(keyOf));
    const inRows = supportedOperators().filter(
      (key) => !key.startsWith("landscape::") && !isResolved(key) && !isRandom(key),
    );
    expect(inRows.filter((key) => !covered.has(key))).toEqual([]);
  });

  test("every row is of a record", () => {
    expect(cases.filter((c) => lookup(c.domain ?? "", c.op) === undefined).map(keyOf)).toEqual([]);
  });

  test("what is differentiable has a rule or is defined by others", () => {
    // Dropout in training is random: it has a differentiable input, and deliberately no rule.
    const without = supportedOperators().filter((key) => {
      const record = recordOf(key);
      return (
        record?.wrt.length !== 0 && !record?.vjp && !record?.expand && !record?.lower && !record?.resolve
      );
    });
    expect(without).toEqual([]);
  });
});
