import protobuf from "protobufjs/minimal.js";
import { Problem } from "./invalid-model.ts";
import { onnx } from "./proto/onnx.js";

/** Parses the bytes of a model, or says in which way they are none. */
export function parseModel(bytes: Uint8Array): onnx.ModelProto {
  if (bytes.length === 0) throw new Problem("the file is empty. Export the model again");
  let model: onnx.ModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw diagnose(bytes, error);
  }
  const versions = model.opset_import.length > 0 || Object.hasOwn(model, "ir_version");
  if (model.graph == null && !versions) throw notOnnx();
  if (model.graph == null) {
    throw new Problem("it has no graph; expected an ONNX model with one. Export the model again");
  }
  if (!versions) throw notOnnx();
  return model;
}

function notOnnx(): Problem {
  return new Problem(
    "it is protobuf but no ONNX model; expected an IR version, opsets and a graph. Pass the file that the ONNX exporter wrote",
  );
}

/** Wire types of ModelProto's fields. */
const MODEL_FIELDS: ReadonlyMap<number, number> = new Map([
  [1, 0],
  [2, 2],
  [3, 2],
  [4, 2],
  [5, 0],
  [6, 2],
  [7, 2],
  [8, 2],
  [14, 2],
  [20, 2],
  [25, 2],
  [26, 2],
]);

function diagnose(bytes: Uint8Array, error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  if (reason.includes("max depth")) {
    return new Problem("it is nested too deeply; expected at most 100 levels. Simplify the model");
  }
  const outer = scan(bytes);
  if (outer.modelFields && outer.cut) {
    return new Problem(
      `it is truncated: the file ends after ${bytes.length} bytes in the middle of a field. Copy or export it again`,
    );
  }
  if (outer.modelFields && outer.whole) {
    return new Problem(`it is damaged: a part of it is not valid protobuf (${reason}). Export it again`);
  }
  if (outer.whole) return notOnnx();
  return new Problem("it is not protobuf; expected an ONNX file. Pass the file that the ONNX exporter wrote");
}

/** Walks the outermost fields: are they those of a model, and is the last one cut off? */
function scan(bytes: Uint8Array): { modelFields: boolean; cut: boolean; whole: boolean } {
  const reader = protobuf.Reader.create(bytes);
  let fields = 0;
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (MODEL_FIELDS.get(tag >>> 3) !== (tag & 7))
        return { modelFields: false, cut: false, whole: isWhole(bytes) };
      fields++;
      reader.skipType(tag & 7);
    }
  } catch (error) {
    return { modelFields: fields > 0, cut: error instanceof RangeError, whole: false };
  }
  return { modelFields: true, cut: false, whole: true };
}

/** Whether the bytes are a sequence of protobuf fields of any message. */
function isWhole(bytes: Uint8Array): boolean {
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === 0) return false;
      reader.skipType(tag & 7);
    }
    return true;
  } catch {
    return false;
  }
}
