import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { density } from "./density.ts";
import { doctor } from "./doctor.ts";
import { eigs } from "./eigs.ts";
import { evaluate } from "./evaluate.ts";
import { exportCheckpoint } from "./export-checkpoint.ts";
import { gradient } from "./gradient.ts";
import { hvp } from "./hvp.ts";
import { improve } from "./improve.ts";
import { inspect } from "./inspect.ts";
import { profile } from "./profile.ts";
import { report } from "./report.ts";
import { reproduce } from "./reproduce.ts";
import { slices } from "./slices.ts";
import { surface } from "./surface.ts";
import { trace } from "./trace.ts";
import { trajectory } from "./trajectory.ts";

/** All commands, in the order that the help shows them. */
export const commands: readonly Command[] = [
  report,
  trajectory,
  demo,
  reproduce,
  inspect,
  evaluate,
  gradient,
  hvp,
  eigs,
  trace,
  density,
  slices,
  surface,
  profile,
  improve,
  exportCheckpoint,
  doctor,
];
