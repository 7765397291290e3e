import { countText } from "../analysis/number-text.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { ArtifactSummary } from "../model/loaded-model.ts";
import type { Value } from "../onnx/graph.ts";
import type { RecordLookup } from "../ops/record.ts";
import { type Command, defineCommand } from "./command.ts";
import { type Comparison, compareRoutes, comparisonLines } from "./compare.ts";
import { type ProblemOptions, problemOptions, type WhereOptions, whereOptions } from "./groups.ts";
import { flag } from "./options.ts";
import { routeOf } from "./problem.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

interface InspectOptions extends ProblemOptions, WhereOptions {
  readonly compare: boolean;
}

export const inspect: Command = defineCommand<InspectOptions>({
  name: "inspect",
  purpose: "What a model holds, what counts as parameters, and whether it has gradients",
  takesModel: true,
  examples: [
    "inspect model.onnx",
    'inspect model.onnx --params "layer4.*"',
    "inspect artifacts/ --compare --data train.npz",
  ],
  options: {
    compare: flag("What:", "run the artifact's gradient and ours on --data, and say how they differ"),
    ...problemOptions,
    ...whereOptions,
  },
  async run(path, options, context) {
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
      outputs: (checkpoint.own ? [checkpoint.output] : checkpoint.graph.outputs).map(describeValue),
      unsupported,
      differentiable: unsupported.length === 0 && checkpoint.parameters.length > 0,
      warnings: checkpoint.warnings,
      ...(checkpoint.own && { gradient: checkpoint.own.gradients ? "artifact" : "ours" }),
      ...(checkpoint.artifacts && { artifacts: checkpoint.artifacts }),
      ...(options.compare && { comparison: await compareRoutes(path, options, context) }),
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
  // A training graph with operators that cannot be lowered is not taken in the first place.
  if (checkpoint.own?.training) return [];
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
  readonly gradient?: string;
  readonly artifacts?: ArtifactSummary;
  readonly comparison?: Comparison;
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
      ...(found.gradient ? [["gradient", ROUTES[found.gradient] ?? ""] as const] : []),
      ...(found.artifacts ? artifactFields(found.artifacts) : []),
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
    ...(found.comparison ? ["", ...comparisonLines(found.comparison)] : []),
  ];
}

const ROUTES: Readonly<Record<string, string>> = {
  artifact: "the one in the file",
  ours: "of the loss in the file, by our rules",
};

function artifactFields({
  files,
  version,
  trained,
  frozen,
  properties,
  optimizerGroups,
}: ArtifactSummary): [string, string][] {
  const list = (entries: readonly string[]) => (entries.length > 0 ? entries.join(", ") : "none");
  return [
    ["checkpoint", `${files.checkpoint}, version ${version}`],
    ["trained", String(trained.length)],
    ["frozen", list(frozen)],
    ["properties", list(Object.entries(properties).map(([name, value]) => `${name} = ${value}`))],
    ["optimizer", list(optimizerGroups.map(({ name, step }) => `${name} (step ${step})`))],
  ];
}
