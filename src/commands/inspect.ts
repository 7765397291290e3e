import { countText } from "../analysis/number-text.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { Value } from "../onnx/graph.ts";
import type { RecordLookup } from "../ops/record.ts";
import { type Command, defineCommand } from "./command.ts";
import { type ProblemOptions, problemOptions } from "./groups.ts";
import { routeOf } from "./problem.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

type InspectOptions = Pick<ProblemOptions, "output" | "params" | "freeze" | "gradient" | "evalMode">;

export const inspect: Command = defineCommand<InspectOptions>({
  name: "inspect",
  purpose: "What a model holds, what counts as parameters, and whether it has gradients",
  takesModel: true,
  examples: [
    "inspect model.onnx",
    'inspect model.onnx --params "layer4.*"',
    "inspect model.onnx --json | jq .unsupported",
  ],
  options: {
    output: problemOptions.output,
    params: problemOptions.params,
    freeze: problemOptions.freeze,
    gradient: problemOptions.gradient,
    evalMode: problemOptions.evalMode,
  },
  async run(path, options) {
    const { loadCheckpoint } = await import("../model/checkpoint.ts");
    const { lookup } = await import("../ops/registry.ts");
    const checkpoint = await loadCheckpoint(path, {
      output: options.output ?? undefined,
      params: options.params,
      freeze: options.freeze,
      gradient: routeOf(options),
    });
    const unsupported = unsupportedOperators(checkpoint, lookup);
    const json = {
      model: {
        path,
        sha256: checkpoint.sha256,
        opset: checkpoint.opset,
        producer: checkpoint.producer,
      },
      parameters: checkpoint.parameters.map(({ name, shape, size }) => ({ name, shape, size })),
      initializers: checkpoint.verdicts.map((v) => ({
        name: v.value.name,
        shape: v.value.dims,
        isParameter: v.isParameter,
        reason: v.reason,
      })),
      inputs: checkpoint.inputs.map(describeValue),
      outputs: checkpoint.graph.outputs.map(describeValue),
      unsupported,
      differentiable: unsupported.length === 0 && checkpoint.parameters.length > 0,
      warnings: checkpoint.warnings,
    };
    return { json, lines: inspectLines(json) };
  },
});

function describeValue(value: Value): {
  name: string;
  type: string | null;
  shape: readonly (number | string)[] | null;
} {
  const shape = value.shape?.map((d) => d ?? "?") ?? null;
  return { name: value.name, type: value.type ?? null, shape };
}

interface Unsupported {
  readonly op: string;
  readonly domain: string;
  readonly nodes: string[];
}

/** Operators without a gradient rule on a differentiable path from a parameter to the output. */
function unsupportedOperators(checkpoint: Checkpoint, records: RecordLookup): Unsupported[] {
  const active = new Set<Value>(checkpoint.parameters.map((p) => p.value));
  const reaching = valuesReaching(checkpoint.output);
  const found = new Map<string, Unsupported>();
  for (const node of checkpoint.graph.nodes) {
    const record = records(node.domain, node.op);
    // What an unknown operator does with its inputs is unknown: all may matter.
    const wrt = record === undefined || record.wrt === "all" ? node.inputs.keys() : record.wrt;
    if (![...wrt].some((i) => active.has(node.inputs[i] as Value))) continue;
    for (const y of node.outputs) active.add(y);
    if (record?.vjp || record?.expand || record?.resolve || !node.outputs.some((y) => reaching.has(y)))
      continue;
    const key = `${node.domain}::${node.op}`;
    const entry = found.get(key) ?? { op: node.op, domain: node.domain, nodes: [] };
    entry.nodes.push(node.name || (node.outputs[0]?.name ?? ""));
    found.set(key, entry);
  }
  return [...found.values()];
}

function valuesReaching(output: Value): Set<Value> {
  const reaching = new Set<Value>([output]);
  const stack = [output];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    for (const x of value.producer?.inputs ?? []) {
      if (x === null || reaching.has(x)) continue;
      reaching.add(x);
      stack.push(x);
    }
  }
  return reaching;
}

interface InspectJson {
  readonly model: { path: string; opset: number; producer: string };
  readonly parameters: readonly { name: string; shape: readonly number[]; size: number }[];
  readonly initializers: readonly { name: string; isParameter: boolean; reason: string }[];
  readonly inputs: readonly ReturnType<typeof describeValue>[];
  readonly outputs: readonly ReturnType<typeof describeValue>[];
  readonly unsupported: readonly Unsupported[];
  readonly differentiable: boolean;
  readonly warnings: readonly { code: string; message: string }[];
}

function inspectLines(found: InspectJson): string[] {
  const shape = (s: readonly (number | string)[] | null) => (s ? `[${s.join(", ")}]` : "[?]");
  const value = (v: ReturnType<typeof describeValue>) => `${v.name} ${v.type ?? "?"} ${shape(v.shape)}`;
  const total = found.parameters.reduce((sum, p) => sum + p.size, 0);
  const others = found.initializers.filter((i) => !i.isParameter);
  return [
    ...fieldLines([
      [
        "model",
        `${found.model.path} (opset ${found.model.opset}, ${found.model.producer || "unknown producer"})`,
      ],
      ["inputs", found.inputs.map(value).join("; ")],
      ["outputs", found.outputs.map(value).join("; ")],
      ["parameters", `${countText(total)} in ${found.parameters.length} tensors`],
      ["differentiable", found.differentiable ? "yes" : "no"],
    ]),
    "",
    ...firstLines(
      tableLines(
        found.parameters.map((p) => [`  ${cutMiddle(p.name, 48)}`, shape(p.shape), countText(p.size)]),
        "<<>",
      ),
      40,
      "parameters",
    ),
    ...(others.length > 0 ? ["", "not parameters:"] : []),
    ...firstLines(
      tableLines(others.map((i) => [`  ${cutMiddle(i.name, 40)}`, i.reason])),
      20,
      "initializers",
    ),
    ...found.unsupported.map(
      (u) =>
        `no gradient rule: ${u.domain ? `${u.domain}::` : ""}${u.op} (${u.nodes.length} nodes: ${u.nodes.slice(0, 3).join(", ")})`,
    ),
    ...found.warnings.map((w) => `warning: ${w.message}`),
  ];
}
