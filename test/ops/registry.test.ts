import { describe, expect, test } from "vitest";
import { lookup, supportedOperators } from "../../src/ops/registry.ts";
import { cpuOperators, hasKernelTable } from "../support/cuda-kernels.ts";
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

/** What onnxruntime's CPU provider runs and the registry has no record of: a word why, and docs/coverage.md says the same. */
const WITHOUT: Readonly<Record<string, RegExp>> = {
  "brought to newer ones on loading": /^(DynamicSlice|Scatter|Upsample)$/,
  "quantised: integers have no derivative":
    /^(com\.microsoft::)?(Q[A-Z]\w+|QuantizeLinear|DequantizeLinear|DynamicQuantize\w+|ConvInteger|MatMulInteger\w*|MatMul(NBits|Bnb4|FpQ4)|GatherBlockQuantized|NhwcMaxPool)$/,
  "layout of one machine": /^com\.microsoft\.nchwc::/,
  "strings, maps, hashes":
    /^((RegexFullMatch|String\w+|TfIdfVectorizer)|ai\.onnx\.ml::(CastMap|CategoryMapper|DictVectorizer|LabelEncoder|ZipMap)|com\.microsoft::(MurmurHash3|Tokenizer|WordConvEmbedding))$/,
  "no trained weights, but trees and support vectors": /^ai\.onnx\.ml::(SVM|TreeEnsemble)/,
  "generates text":
    /^com\.microsoft::(BeamSearch|BifurcationDetector|GreedySearch|NGramRepeatBlock|Sampling|WhisperBeamSearch|DecoderMaskedMultiHeadAttention)$/,
  "results whose shape depends on data": /^(NonMaxSuppression|(com\.microsoft::)?Unique)$/,
  "not exported by anything that is known":
    /^(Memcpy(From|To)Host|com\.microsoft::(AttnLSTM|CropAndResize|DynamicTimeWarping|MaxpoolWithMask|SampleOp|SparseAttention|SparseToDenseMatMul))$/,
};

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

  test.skipIf(!hasKernelTable)(
    "has every operator with a CPU kernel, or a word why not (skipped without ../shared/onnx)",
    () => {
      const reasons = Object.values(WITHOUT);
      const wrong = cpuOperators().filter((key) => {
        const explained = reasons.filter((r) => r.test(key)).length;
        return explained !== (recordOf(key) === undefined ? 1 : 0);
      });
      expect(wrong).toEqual([]);
    },
  );

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
