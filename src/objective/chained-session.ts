import type { Program } from "../model/compile.ts";
import { nodesForCpu } from "../model/kernels.ts";
import type { Runtime, RuntimeTensor, Session } from "../runtime/index.ts";
import { type NamedFeeds, wantedFeeds } from "./feeds.ts";

/** Loads a program whose weights are inputs; nodes that the device gets wrong stay on the CPU. */
export function openProgram(runtime: Runtime, program: Program): Promise<Session> {
  const { device } = runtime;
  const onCpu = device === "cpu" ? [] : nodesForCpu(program.graph, device);
  return runtime.createSession(program.encode(), { onCpu });
}

/** A session of a program; with `then`, one that goes on to the loss of its output, whatever the shape of that. */
export async function openSession(
  program: Program,
  runtime: Runtime,
  first: Promise<Session>,
): Promise<Session> {
  const model = await first;
  const { then } = program;
  if (then === undefined) return model;
  const inputNames = program.graph.inputs.map((v) => v.name);
  const losses = new Map<string, { program: Program; session: Promise<Session> }>();
  const lossOf = ({ type, dims }: RuntimeTensor) => {
    const found = losses.get(`${dims}`);
    if (found) return found;
    const loss = then({ type, dims });
    const made = { program: loss, session: openProgram(runtime, loss) };
    losses.set(`${dims}`, made);
    return made;
  };
  return {
    run: async (feeds) => {
      const given: NamedFeeds = Object.entries(feeds);
      const results = await model.run(wantedFeeds(given, inputNames));
      const output = results["output"] as RuntimeTensor;
      const loss = lossOf(output);
      const all: NamedFeeds = [...given, ["output", output]];
      return (await loss.session).run(wantedFeeds(all, loss.program.inputNames));
    },
    release: async () => {
      for (const { session } of losses.values()) await (await session).release();
      await model.release();
    },
  };
}
