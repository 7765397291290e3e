// A worker process: opens the problem it is told to and computes groups of samples on demand.
import process from "node:process";
import { asLandscapeError } from "../errors.ts";
import { type OpenedProblem, openInProcess } from "./opened.ts";
import type { Reply, Request } from "./worker-messages.ts";

let problem: Promise<OpenedProblem> | undefined;

process.on("message", (request: Request) => void handle(request));
// The coordinator decides when to stop; an interrupt from the terminal reaches the whole process group.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));

async function handle(request: Request): Promise<void> {
  const id = request.kind === "run" ? request.id : 0;
  try {
    if (request.kind === "open") {
      problem = openInProcess(request.spec);
      await problem;
      send({ kind: "ready" });
    } else {
      const split = (await problem)?.splits.get(request.split);
      if (split === undefined) throw new Error(`internal: worker has no ${request.split} data`);
      const results = await split
        .part(request.part)
        .evaluator.run(request.task, request.groups, async () => {});
      send({ kind: "done", id, results });
    }
  } catch (error) {
    const { code, message } = asLandscapeError(error);
    send({ kind: "failed", id, code, message });
  }
}

function send(reply: Reply): void {
  process.send?.(reply);
}
