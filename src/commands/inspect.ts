import { countText } from "../analysis/number-text.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { DryRun } from "../model/dry-run.ts";
import type { ArtifactSummary } from "../model/loaded-model.ts";
import { counted } from "../model/preflight-check.ts";
import type { UnsupportedOperator } from "../model/unsupported.ts";
import type { Value } from "../onnx/graph.ts";
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
    const { loadCheckpoint } = await import("../model/load-checkpoint.ts");
    const { lookup } = await import("../ops/registry.ts");
    const { unsupportedOperators, WORKS_WITHOUT_GRADIENT } = await import("../model/unsupported.ts");
    const { dryRun } = await import("../model/dry-run.ts");
    const checkpoint = await loadCheckpoint(path, {
      output: options.output ?? undefined,
      params: options.params,
      freeze: options.freeze,
      gradient: routeOf(options),
      evalMode: options.evalMode,
    });
    const obstacles = unsupportedOperators(checkpoint, lookup);
    const unknown = await unknownToRuntime(checkpoint, obstacles);
    const unsupported = obstacles.map((u) => ({ ...u, runs: !unknown.includes(u) }));
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
      run: unsupported.length === 0 ? dryRun(checkpoint) : null,
      ...(unsupported.length > 0 &&
        unknown.length === 0 &&
        checkpoint.given &&
        checkpoint.parameters.length > 0 && { works: WORKS_WITHOUT_GRADIENT }),
      ...(checkpoint.own && { gradient: checkpoint.own.gradients ? "artifact" : "ours" }),
      ...(checkpoint.artifacts && { artifacts: checkpoint.artifacts }),
      ...(options.compare && { comparison: await compareRoutes(path, options, context) }),
    };
    return { json, lines: inspectLines(json) };
  },
});

/** Operators in the way that no command can run, either. */
async function unknownToRuntime({ given }: Checkpoint, obstacles: readonly UnsupportedOperator[]) {
  if (obstacles.length === 0 || given === undefined) return [];
  const { openRuntime } = await import("../runtime/index.ts");
  const { unregistered } = await import("../objective/registered.ts");
  return unregistered(obstacles, given().opset, await openRuntime({ device: "cpu", threads: 1 }));
}

function describeValue(value: Value): {
  name: string;
  type: string | null;
  shape: readonly (number | string)[] | null;
} {
  const shape = value.shape?.map((d) => d ?? "?") ?? null;
  return { name: value.name, type: value.type ?? null, shape };
}

interface InspectJson {
  readonly model: { path: string; opset: number; producer: string };
  readonly parameters: readonly { name: string; shape: readonly number[]; size: number }[];
  readonly initializers: readonly { name: string; isParameter: boolean; reason: string }[];
  readonly inputs: readonly ReturnType<typeof describeValue>[];
  readonly outputs: readonly ReturnType<typeof describeValue>[];
  readonly unsupported: readonly (UnsupportedOperator & { readonly runs: boolean })[];
  readonly differentiable: boolean;
  readonly warnings: readonly { code: string; message: string }[];
  readonly run: DryRun | null;
  /** What needs no gradient; where there is one it is not said. */
  readonly works?: readonly string[];
  readonly gradient?: string;
  readonly artifacts?: ArtifactSummary;
  readonly comparison?: Comparison;
}

function inspectLines(found: InspectJson): string[] {
  const shape = (s: readonly (number | string)[] | null) => (s ? `[${s.join(", ")}]` : "[?]");
  const value = (v: ReturnType<typeof describeValue>) => `${v.name} ${v.type ?? "?"} ${shape(v.shape)}`;
  const total = found.parameters.reduce((sum, p) => sum + p.size, 0);
  const reasons = new Map(found.initializers.map((i) => [i.name, i.reason]));
  // Shapes and indices last: of these nobody wonders.
  const isFloat = (i: { reason: string }) => !i.reason.startsWith("not floating point");
  const rest = found.initializers.filter((i) => !i.isParameter);
  const others = [...rest.filter(isFloat), ...rest.filter((i) => !isFloat(i))];
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
      ...(found.works ? [["works without", worksText(found.works)] as const] : []),
      ...(found.run ? runFields(found.run) : []),
      ...(found.gradient ? [["gradient", ROUTES[found.gradient] ?? ""] as const] : []),
      ...(found.artifacts ? artifactFields(found.artifacts) : []),
    ]),
    "",
    ...firstLines(
      tableLines(
        found.parameters.map((p) => [
          `  ${cutMiddle(p.name, 48)}`,
          shape(p.shape),
          countText(p.size),
          reasons.get(p.name) ?? "",
        ]),
        "<<><",
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
    ...found.unsupported.map(obstacleLine),
    ...found.warnings.map((w) => `warning: ${w.message}`),
    ...(found.comparison ? ["", ...comparisonLines(found.comparison)] : []),
  ];
}

function obstacleLine({ domain, op, nodes, reason, runs }: InspectJson["unsupported"][number]): string {
  const where = `${counted(nodes.length, "node")}: ${nodes.slice(0, 3).join(", ")}`;
  const rest = runs
    ? ""
    : ", and onnxruntime has no such operator: nothing can be computed. Export it with standard operators";
  return `no gradient rule: ${domain ? `${domain}::` : ""}${op} (${where})${reason ? ` ${reason}` : ""}${rest}`;
}

/** Each command once, with what it is to be given. */
function worksText(works: readonly string[]): string {
  const named = new Map<string, string[]>();
  for (const work of works) {
    const [command = "", ...rest] = work.split(" ");
    named.set(command, [...(named.get(command) ?? []), rest.join(" ")]);
  }
  return [...named]
    .map(([command, ways]) => [command, ways.filter((way) => way !== "").join(" or ")].join(" ").trim())
    .join(", ");
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

function runFields({ bytesPerSample, assumed, devices }: DryRun): [string, string][] {
  const sizes = Object.entries(assumed).map(([name, n]) => `${name} = ${n}`);
  const given = sizes.length > 0 ? `, with ${sizes.join(", ")}` : "";
  return [
    [
      "memory",
      `${countText(Math.ceil(bytesPerSample / 1024))} KiB of values for a gradient of one sample${given}`,
    ],
    ...devices
      .filter((d) => d.onCpu.length > 0)
      .map((d): [string, string] => [d.name, `left to the CPU: ${d.onCpu.join(", ")}`]),
  ];
}
