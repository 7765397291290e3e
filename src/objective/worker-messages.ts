import type { Part } from "../data/index.ts";
import type { Split } from "./opened.ts";
import type { ProblemSpec } from "./problem-spec.ts";
import type { GroupResult, Task } from "./tasks.ts";

/** From the coordinator to a worker. */
export type Request =
  | { readonly kind: "open"; readonly spec: ProblemSpec }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly split: Split;
      readonly part: Part;
      readonly task: Task;
      readonly groups: readonly number[];
    };

/** From a worker to the coordinator. */
export type Reply =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly id: number; readonly results: readonly GroupResult[] }
  | { readonly kind: "failed"; readonly id: number; readonly code: string; readonly message: string };
