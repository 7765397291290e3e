import type { Lowering, LoweringTable } from "./lowering.ts";

/** x·s, or x/s; s may be an integer. */
const scale: Lowering = (b, call) => {
  const x = call.x(0);
  const factor = b.reshape(b.cast(call.x(1), x.static.type), []);
  return [call.int("scale_down", 0) ? b.div(x, factor) : b.mul(x, factor)];
};

export const arithmetic: LoweringTable = {
  "com.microsoft::Scale": scale,
};
