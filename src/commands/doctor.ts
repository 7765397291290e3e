import { availableParallelism, freemem, totalmem } from "node:os";
import process from "node:process";
import type { ProviderStatus } from "../runtime/index.ts";
import { type Command, defineCommand } from "./command.ts";
import { fieldLines, tableLines } from "./table.ts";

function availability({ available, preferred, reason }: ProviderStatus): string {
  if (!available) return `not available: ${reason}`;
  return preferred ? "available" : `available, but only if asked for: ${reason}`;
}

export const doctor: Command = defineCommand<object>({
  name: "doctor",
  purpose: "Shows what this machine can run on, and how to mend what is missing",
  takesModel: false,
  examples: ["doctor", "doctor --json", "doctor --debug"],
  options: {},
  async run() {
    const { openRuntime, probeProviders } = await import("../runtime/index.ts");
    const providers = await probeProviders();
    const { version: onnxruntime } = await openRuntime({ device: "cpu", threads: 1 });
    const memory = { total: totalmem(), free: freemem() };
    const json = {
      node: process.versions.node,
      onnxruntime,
      providers,
      memory,
      cpus: availableParallelism(),
    };
    const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
    return {
      json,
      lines: [
        ...fieldLines([
          ["node", json.node],
          ["onnxruntime", onnxruntime],
          ["cores", String(json.cpus)],
          ["memory", `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free`],
        ]),
        "",
        ...tableLines(providers.map((p) => [p.available ? "✔" : "–", p.name, availability(p)])),
        ...providers.filter((p) => !p.available && p.fix !== "").map((p) => `  for ${p.name}: ${p.fix}`),
      ],
    };
  },
});
