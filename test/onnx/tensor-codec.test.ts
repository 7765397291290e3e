import fc from "fast-check";
import { expect, test } from "vitest";
import { ONNX_TYPE_CODES } from "../../src/onnx/element-type.ts";
import type { ElementType, Tensor, TensorData } from "../../src/onnx/tensor.ts";
import { decodeTensor, encodeTensor, type TensorProto } from "../../src/onnx/tensor-codec.ts";
import { longs } from "./protos.ts";

function decode(proto: TensorProto): Tensor {
  return decodeTensor(proto, "t", () => {
    throw new Error("there is no external data");
  });
}

function field(type: ElementType, values: Partial<TensorProto>, size: number): TensorData {
  const proto = { data_type: ONNX_TYPE_CODES[type], dims: longs([size]), ...values } as TensorProto;
  return decode(proto).data;
}

/** A 64-bit integer in halves, as protobufjs holds it. */
function long(value: bigint, unsigned = false): never {
  const low = Number(BigInt.asIntN(32, value));
  return { low, high: Number(BigInt.asIntN(32, value >> 32n)), unsigned } as never;
}

test("typed fields of all element types", () => {
  expect(field("float32", { float_data: [1.5, -2] }, 2)).toEqual(Float32Array.of(1.5, -2));
  expect(field("float64", { double_data: [0.1] }, 1)).toEqual(Float64Array.of(0.1));
  expect(field("float16", { int32_data: [0x3c00, 0xfbff] }, 2)).toEqual(Uint16Array.of(0x3c00, 0xfbff));
  expect(field("bfloat16", { int32_data: [0x3f80] }, 1)).toEqual(Uint16Array.of(0x3f80));
  expect(field("int32", { int32_data: [-7] }, 1)).toEqual(Int32Array.of(-7));
  expect(field("int16", { int32_data: [-32768] }, 1)).toEqual(Int16Array.of(-32768));
  expect(field("int8", { int32_data: [-128] }, 1)).toEqual(Int8Array.of(-128));
  expect(field("uint16", { int32_data: [65535] }, 1)).toEqual(Uint16Array.of(65535));
  expect(field("uint8", { int32_data: [255] }, 1)).toEqual(Uint8Array.of(255));
  expect(field("bool", { int32_data: [0, 1, 2] }, 3)).toEqual(Uint8Array.of(0, 1, 1));
  expect(field("uint32", { uint64_data: [long(4294967295n, true)] }, 1)).toEqual(Uint32Array.of(4294967295));
  expect(field("string", { string_data: [new TextEncoder().encode("\ufeffé")] }, 1)).toEqual(["\ufeffé"]);
});

test("64-bit integers are exact", () => {
  const signed = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -1n];
  expect(field("int64", { int64_data: signed.map((v) => long(v)) }, 4)).toEqual(BigInt64Array.from(signed));
  const unsigned = [2n ** 64n - 1n, 2n ** 53n + 1n];
  const halves = unsigned.map((v) => long(v, true));
  expect(field("uint64", { uint64_data: halves }, 2)).toEqual(BigUint64Array.from(unsigned));
});

test("raw data that lies unaligned is copied", () => {
  const file = new Uint8Array(17);
  new DataView(file.buffer).setFloat64(1, Math.PI, true);
  new DataView(file.buffer).setFloat64(9, -1, true);
  const tensor = decode({ data_type: 11, dims: longs([2]), raw_data: file.subarray(1) });
  expect(tensor.data).toEqual(Float64Array.of(Math.PI, -1));
  file.fill(0);
  expect(tensor.data).toEqual(Float64Array.of(Math.PI, -1));
});

test("scalars and empty tensors", () => {
  expect(decode({ data_type: 1, dims: [], float_data: [3] })).toEqual({
    type: "float32",
    dims: [],
    data: Float32Array.of(3),
  });
  expect(decode({ data_type: 1, dims: longs([0, 5]) })).toEqual({
    type: "float32",
    dims: [0, 5],
    data: new Float32Array(0),
  });
});

test("bool raw data is 0 and 1", () => {
  const tensor = decode({ data_type: 9, dims: longs([3]), raw_data: Uint8Array.of(0, 1, 255) });
  expect(tensor.data).toEqual(Uint8Array.of(0, 1, 1));
});

test.each<[string, TensorProto, RegExp]>([
  [
    "too few raw bytes",
    { data_type: 1, dims: longs([2]), raw_data: new Uint8Array(7) },
    /expected 8 bytes for 2 elements of float32, got 7/,
  ],
  ["too many raw bytes", { data_type: 9, dims: longs([2]), raw_data: new Uint8Array(3) }, /expected 2 bytes/],
  [
    "too few elements",
    { data_type: 1, dims: longs([2]), float_data: [1] },
    /expected 2 elements of float32 in float_data, got 1/,
  ],
  ["elements in another field", { data_type: 7, dims: longs([1]), float_data: [1] }, /in int64_data, got 0/],
  [
    "a huge shape without bytes",
    { data_type: 1, dims: longs([2 ** 40]), raw_data: new Uint8Array(4) },
    /contents do not match the shape/,
  ],
  [
    "a negative dimension",
    { data_type: 1, dims: longs([-1]), float_data: [1] },
    /negative dimension: "t"; .* got \[-1\]/,
  ],
  ["dimensions that overflow", { data_type: 1, dims: longs([2 ** 40, 2 ** 40]) }, /dimensions overflow/],
  [
    "an overflow hidden by a zero",
    { data_type: 1, dims: longs([0, 2 ** 40, 2 ** 40]) },
    /dimensions overflow/,
  ],
  ["complex numbers", { data_type: 14, dims: longs([1]) }, /unsupported tensor type: "t".*got complex64/],
  ["8-bit floats", { data_type: 17, dims: longs([1]) }, /got float8e4m3fn\./],
  ["4-bit integers", { data_type: 22, dims: longs([1]) }, /got int4\./],
  ["no type", { dims: longs([1]) }, /got undefined\./],
  ["a type nobody knows", { data_type: 99, dims: longs([1]) }, /got number 99\./],
  ["segments", { data_type: 1, dims: longs([1]), segment: {} }, /unsupported tensor in segments/],
])("refuses %s", (_, proto, message) => {
  expect(() => decode(proto)).toThrow(message);
});

const numeric: Partial<Record<ElementType, (n: number) => TensorData>> = {
  float32: (n) => new Float32Array(n),
  float64: (n) => new Float64Array(n),
  float16: (n) => new Uint16Array(n),
  bfloat16: (n) => new Uint16Array(n),
  int64: (n) => new BigInt64Array(n),
  int32: (n) => new Int32Array(n),
  int16: (n) => new Int16Array(n),
  int8: (n) => new Int8Array(n),
  uint64: (n) => new BigUint64Array(n),
  uint32: (n) => new Uint32Array(n),
  uint16: (n) => new Uint16Array(n),
  uint8: (n) => new Uint8Array(n),
};

test("what is encoded is decoded, bit for bit", () => {
  const types = fc.constantFrom(...(Object.keys(numeric) as ElementType[]));
  const dims = fc.array(fc.nat(4), { maxLength: 3 });
  fc.assert(
    fc.property(types, dims, fc.infiniteStream(fc.nat(255)), (type, shape, noise) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = (numeric[type] as (n: number) => TensorData)(size) as Float32Array;
      const bytes = new Uint8Array(data.buffer);
      for (let i = 0; i < bytes.length; i++) bytes[i] = noise.next().value;
      const back = decode(encodeTensor({ type, dims: shape, data }, "t"));
      expect(back.type).toBe(type);
      expect(back.dims).toEqual(shape);
      expect(new Uint8Array((back.data as Float32Array).buffer)).toEqual(bytes);
    }),
  );
});

test("strings and bools are encoded", () => {
  const words: Tensor = { type: "string", dims: [2], data: ["", "ζ\0"] };
  expect(decode(encodeTensor(words, "t"))).toEqual(words);
  const flags: Tensor = { type: "bool", dims: [2], data: Uint8Array.of(1, 0) };
  expect(decode(encodeTensor(flags, "t"))).toEqual(flags);
});

test("a part of a larger array is encoded as that part", () => {
  const theta = Float32Array.of(1, 2, 3, 4);
  const tensor: Tensor = { type: "float32", dims: [2], data: theta.subarray(1, 3) };
  expect(decode(encodeTensor(tensor, "t")).data).toEqual(Float32Array.of(2, 3));
});
