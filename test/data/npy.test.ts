import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFloat16, encodeBfloat16, encodeFloat16 } from "../../src/data/float16.ts";
import { decodeNpy, encodeNpy, type NdArray } from "../../src/data/npy.ts";
import { LandscapeError } from "../../src/errors.ts";
import { concat } from "../support/zip.ts";

function npy(dict: string, elements: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${dict}\n`);
  const prefix = new Uint8Array(version === 1 ? 10 : 12);
  prefix.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  const view = new DataView(prefix.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  return concat([prefix, text, elements]);
}

function header(descr: string, shape: string, fortran = "False"): string {
  return `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
}

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe("npy", () => {
  const arrays: NdArray[] = [
    { dtype: "float64", shape: [2, 3], data: Float64Array.of(0, -0, 1e-300, NaN, Infinity, 1 / 3) },
    { dtype: "float32", shape: [3], data: Float32Array.of(1.5, -2, 1e-40) },
    { dtype: "int64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
    { dtype: "uint64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
    { dtype: "int32", shape: [2, 1], data: Int32Array.of(-1, 7) },
    { dtype: "uint32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
    { dtype: "int16", shape: [1], data: Int16Array.of(-300) },
    { dtype: "uint16", shape: [1], data: Uint16Array.of(65535) },
    { dtype: "int8", shape: [1], data: Int8Array.of(-128) },
    { dtype: "uint8", shape: [0, 4], data: new Uint8Array(0) },
    { dtype: "bool", shape: [], data: Uint8Array.of(1) },
  ];
  it.each(arrays)("gives back what was written: $dtype $shape", (array) => {
    expect(decodeNpy(concat(encodeNpy(array)))).toEqual(array);
  });

  it.each([1, 2, 3])("reads version %i, with elements that are not aligned", (version) => {
    const file = npy(header("<f8", "(2,)"), bytesOf(Float64Array.of(1, 2)), version);
    expect(decodeNpy(file).data).toEqual(Float64Array.of(1, 2));
  });

  it("swaps the bytes of big-endian elements", () => {
    expect(decodeNpy(npy(header(">i4", "(2,)"), Uint8Array.of(0, 0, 1, 2, 255, 255, 255, 254))).data).toEqual(
      Int32Array.of(258, -2),
    );
    expect(decodeNpy(npy(header(">f2", "(1,)"), Uint8Array.of(0x3c, 0x00))).data).toEqual(Float32Array.of(1));
  });

  it("brings Fortran order to C order", () => {
    // a[i,j,k] = 100i + 10j + k, stored first axis fastest.
    const stored: number[] = [];
    for (let k = 0; k < 4; k++) {
      for (let j = 0; j < 3; j++) for (let i = 0; i < 2; i++) stored.push(100 * i + 10 * j + k);
    }
    const { data, shape } = decodeNpy(npy(header("|u1", "(2, 3, 4)", "True"), Uint8Array.from(stored)));
    expect(shape).toEqual([2, 3, 4]);
    expect([...(data as Uint8Array)]).toEqual(
      [0, 100].flatMap((i) => [0, 10, 20].flatMap((j) => [0, 1, 2, 3].map((k) => i + j + k))),
    );
  });

  it("reads headers as other programs write them", () => {
    const one = Float32Array.of(1);
    const python2 = `{"shape": (1L,), "fortran_order": False, "descr": "=f4"}`;
    expect(decodeNpy(npy(python2, bytesOf(one))).data).toEqual(one);
    expect(decodeNpy(npy(header("?", "()"), Uint8Array.of(1))).dtype).toBe("bool");
  });

  const broken: [string, Uint8Array, RegExp][] = [
    ["no magic", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), /not an \.npy array/],
    ["version 4", npy(header("<f4", "(1,)"), new Uint8Array(4), 4), /version 4; expected 1 to 3/],
    ["objects", npy(header("|O", "(1,)"), new Uint8Array(8)), /numpy type "\|O"; expected/],
    ["strings", npy(header("<U3", "(1,)"), new Uint8Array(12)), /numpy type "<U3"; expected/],
    ["complex", npy(header("<c8", "(1,)"), new Uint8Array(8)), /numpy type "<c8"; expected/],
    ["long double", npy(header("<f16", "(1,)"), new Uint8Array(16)), /numpy type "<f16"; expected/],
    [
      "structured",
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)),
      /structured type/,
    ],
    ["too short", npy(header("<f4", "(2,)"), new Uint8Array(7)), /shape \[2\] needs 8 bytes, got 7/],
    ["too long", npy(header("<f4", "(2,)"), new Uint8Array(9)), /shape \[2\] needs 8 bytes, got 9/],
    ["a negative length", npy(header("<f4", "(-1,)"), new Uint8Array(0)), /its shape is \(-1,\)/],
    ["an overflow", npy(header("<f4", "(9007199254740991, 9)"), new Uint8Array(0)), /too large/],
    [
      "an overflow behind a zero",
      npy(header("<f4", "(0, 9999999999999999)"), new Uint8Array(0)),
      /too large/,
    ],
    ["too many axes", npy(header("<f4", `(${"1, ".repeat(65)})`), new Uint8Array(4)), /its shape is/],
    ["no dictionary", npy("hello", new Uint8Array(4)), /not a dictionary/],
    ["header cut off", npy(header("<f4", "(1,)"), new Uint8Array(4)).subarray(0, 20), /cut off/],
  ];
  it.each(broken)("refuses %s", (_, file, message) => {
    expect(() => decodeNpy(file)).toThrow(message);
    expect(() => decodeNpy(file)).toThrow(LandscapeError);
  });

  it("refuses a header that claims four gigabytes", () => {
    const file = npy(header("<f4", "(1,)"), new Uint8Array(4), 2);
    file.fill(255, 8, 12);
    expect(() => decodeNpy(file)).toThrow(/claims 4294967295 bytes/);
  });

  it("never fails in another way, whatever byte is changed", () => {
    const file = concat(encodeNpy(arrays[0]!));
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, byte, end) => {
        const changed = file.slice(0, end);
        if (at < end) changed[at] = byte;
        try {
          decodeNpy(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(LandscapeError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("float16", () => {
  it("gives every pattern back", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = decodeFloat16(bits);
      if (Number.isNaN(value)) expect(decodeFloat16(encodeFloat16(value))).toBeNaN();
      else expect(encodeFloat16(value)).toBe(bits);
    }
  });

  it("rounds halfway cases to even", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (decodeFloat16(bits) + decodeFloat16(bits + 1)) / 2;
      expect(encodeFloat16(middle)).toBe(bits + (bits & 1));
    }
    expect(encodeFloat16(65519.99)).toBe(0x7bff);
    expect(encodeFloat16(65520)).toBe(0x7c00);
  });

  it("rounds to bfloat16", () => {
    expect(encodeBfloat16(1)).toBe(0x3f80);
    expect(encodeBfloat16(1 + 2 ** -8)).toBe(0x3f80);
    expect(encodeBfloat16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(encodeBfloat16(-Infinity)).toBe(0xff80);
  });
});
