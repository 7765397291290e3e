import { Problem, quote } from "./invalid-model.ts";
import type { onnx } from "./proto/onnx.js";

/** Where the bytes of a tensor lie outside the model's file. */
export interface ExternalReference {
  /** The tensor's name, for messages. */
  readonly tensor: string;
  /** Relative to the model's folder, inside it. */
  readonly location: string;
  readonly offset: number;
  /** Undefined: as many bytes as the tensor needs. */
  readonly length: number | undefined;
}

/** Reads a tensor's external_data entries; refuses locations that leave the model's folder. */
export function externalReference(proto: onnx.TensorProto.$Properties, tensor: string): ExternalReference {
  const entries = new Map((proto.external_data ?? []).map((e) => [e.key ?? "", e.value ?? ""]));
  const location = entries.get("location") ?? "";
  assertInside(location, tensor);
  const offset = byteCount(entries.get("offset"), "offset", tensor) ?? 0;
  return { tensor, location, offset, length: byteCount(entries.get("length"), "length", tensor) };
}

function assertInside(location: string, tensor: string): void {
  if (location === "") throw new Problem(`external data of ${quote(tensor)} has no location`);
  const parts = location.split(/[\\/]/);
  const absolute = parts[0] === "" || /^[A-Za-z]:/.test(location);
  if (absolute || parts.includes("..") || location.includes("\0")) {
    throw new Problem(
      `external data outside the model's folder: ${quote(location)} of ${quote(tensor)}; expected a relative path without "..". Put the data file beside the model`,
    );
  }
}

function byteCount(text: string | undefined, what: string, tensor: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new Problem(
    `invalid external data ${what}: ${quote(text)} of ${quote(tensor)}; expected a count of bytes`,
  );
}
