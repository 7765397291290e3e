import { LandscapeError } from "../../errors.ts";
import type { OpRecord, RuleTable } from "../record.ts";

/** Random numbers: a loss that is another one at every call has no landscape. */

const REASON = "draws random numbers, so that no two losses are of one function: export without sampling";

const drawing: OpRecord = {
  wrt: [],
  impure: true,
  refuses: () => REASON,
  infer: (call) => {
    throw new LandscapeError("UNSUPPORTED_OP", `cannot analyse the model: ${call.op} ${REASON}`, {
      op: call.op,
      what: `${call.op}, which ${REASON.replace(/:.*/, "")}`,
    });
  },
};

export const random: RuleTable = Object.fromEntries(
  ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"].map(
    (op) => [op, drawing],
  ),
);
