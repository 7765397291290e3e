import protobuf from "protobufjs/minimal.js";

/** A message as the pieces it is made of, most of them views of the file that it comes from. */
export type Pieces = readonly Uint8Array[];

/**
 * What becomes of a field: "keep" leaves its bytes as they are, "drop" leaves it out, pieces replace its payload.
 * `payload` is undefined for numbers, which have none.
 */
export type FieldRewrite = (field: number, payload: Uint8Array | undefined) => "keep" | "drop" | Pieces;

const DELIMITED = 2;

/** Rewrites some fields of an encoded message; whatever is kept stays byte for byte. */
export function rewriteFields(message: Uint8Array, rewrite: FieldRewrite): Pieces {
  const reader = protobuf.Reader.create(message);
  const pieces: Uint8Array[] = [];
  let kept = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const afterTag = reader.pos;
    let payload: Uint8Array | undefined;
    if ((tag & 7) === DELIMITED) {
      const length = reader.uint32();
      payload = message.subarray(reader.pos, reader.pos + length);
      reader.skip(length);
    } else reader.skipType(tag & 7);
    const result = rewrite(tag >>> 3, payload);
    if (result === "keep") continue;
    pieces.push(message.subarray(kept, start));
    kept = reader.pos;
    if (result !== "drop")
      pieces.push(message.subarray(start, afterTag), varint(lengthOf(result)), ...result);
  }
  if (pieces.length === 0) return [message];
  return [...pieces, message.subarray(kept)].filter((p) => p.length > 0);
}

/** A length-delimited field with its tag. */
export function delimited(field: number, payload: Uint8Array): Pieces {
  return [varint(field * 8 + DELIMITED), varint(payload.length), payload];
}

export function lengthOf(pieces: Pieces): number {
  return pieces.reduce((sum, p) => sum + p.length, 0);
}

/** Lengths are below 2³¹, as the file's is. */
function varint(value: number): Uint8Array {
  return protobuf.Writer.create().uint32(value).finish();
}
