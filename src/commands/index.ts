import type { Command } from "./command.ts";
import { doctor } from "./doctor.ts";
import { evaluate } from "./evaluate.ts";
import { gradient } from "./gradient.ts";
import { hvp } from "./hvp.ts";
import { inspect } from "./inspect.ts";

/** All commands, in the order that the help shows them. */
export const commands: readonly Command[] = [inspect, evaluate, gradient, hvp, doctor];
