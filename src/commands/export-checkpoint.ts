import { join } from "node:path";
import { countText, numberText } from "../analysis/number-text.ts";
import { writeWhole } from "../analysis/run/files.ts";
import type { NamedTensor, TrainingCheckpoint } from "../artifacts/checkpoint.ts";
import { encodeFloats } from "../data/stored-floats.ts";
import { readVector } from "../data/vector.ts";
import { LandscapeError } from "../errors.ts";
import type { Checkpoint, ParameterSlot } from "../model/checkpoint.ts";
import { matchesGlob } from "../model/parameters.ts";
import { norm } from "../numerics/vector.ts";
import type { Value } from "../onnx/graph.ts";
import type { ElementType, Tensor, TensorData } from "../onnx/tensor.ts";
import { type Command, defineCommand, type Outcome } from "./command.ts";
import { type ProblemOptions, problemOptions } from "./groups.ts";
import { flag, text } from "./options.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

interface ExportOptions extends Pick<ProblemOptions, "output" | "params" | "freeze"> {
  readonly weights: string | null;
  readonly checkpoint: string | null;
  readonly keepOptimizer: boolean;
  readonly to: string | null;
}

export const exportCheckpoint: Command = defineCommand<ExportOptions>({
  name: "export-checkpoint",
  purpose: "Weights as a checkpoint for onnxruntime-training",
  takesModel: true,
  examples: [
    "export-checkpoint m.onnx --weights w.npz:theta --to new",
    "export-checkpoint artifacts --weights w.npz:theta --to new",
    "export-checkpoint dir --weights w.npz:w --checkpoint a --to b",
  ],
  options: {
    weights: text<null>({
      group: "What:",
      describe: "F.npz:KEY[:ROW]: all parameters in one vector, as gradient --npz writes theta",
      fallback: null,
    }),
    checkpoint: text<null>({
      group: "What:",
      describe: "FILE: keep this one's lists, frozen values and properties [default: the artifacts folder's]",
      fallback: null,
    }),
    keepOptimizer: flag("What:", "keep the optimizer's momentums, which belong to the old weights", true),
    output: problemOptions.output,
    params: problemOptions.params,
    freeze: problemOptions.freeze,
    to: text<null>({ group: "Output:", describe: "FILE: where the checkpoint is written", fallback: null }),
  },
  async run(path, options) {
    const weights = required("weights", options.weights, "F.npz:KEY with one number for each parameter");
    const to = required("to", options.to, "the name of the file to write");
    const { assertHasParameters } = await import("../model/checkpoint.ts");
    const { loadCheckpoint } = await import("../model/load-checkpoint.ts");
    const { encodeCheckpoint, readCheckpoint } = await import("../artifacts/checkpoint.ts");
    const model = await loadCheckpoint(path, {
      output: options.output ?? undefined,
      params: options.params,
      freeze: options.freeze,
    });
    assertHasParameters(model);
    const theta = await readVector(weights, model.theta.length, "--weights");
    const old = options.checkpoint ?? (model.artifacts && join(path, model.artifacts.files.checkpoint));
    const template = old === null ? templateOf(model, options.freeze) : await readCheckpoint(old);
    const entries = fill(template, model, theta, old ?? path);
    const { file, external } = encodeCheckpoint({
      isNominal: false,
      trained: entries.filter((e) => e.trained),
      frozen: entries.filter((e) => !e.trained),
      optimizerGroups: options.keepOptimizer ? template.optimizerGroups : [],
      properties: template.properties,
    });
    // The file that refers to the other comes last.
    if (external) await writeWhole(`${to}.data`, external);
    await writeWhole(to, file);
    const distance = norm(theta.map((x, i) => x - (model.theta[i] ?? 0)));
    return outcome({ to, old, distance, template, keepOptimizer: options.keepOptimizer, entries });
  },
});

function required(option: string, value: string | null, what: string): string {
  if (value !== null) return value;
  throw new LandscapeError("INVALID_OPTION", `no --${option} given; expected ${what}`, { option });
}

/** A parameter as it is written, and where its values come from. */
interface Entry extends NamedTensor {
  readonly trained: boolean;
  readonly source: "weights" | "checkpoint" | "model";
}

/** As generate_artifacts makes it of a model: trained are the parameters, frozen is what --freeze names. */
function templateOf(model: Checkpoint, freeze: readonly string[]): TrainingCheckpoint {
  const isFrozen = ({ value, isParameter }: Checkpoint["verdicts"][number]): boolean =>
    !isParameter && freeze.some((glob) => matchesGlob(value.name, glob));
  const named = (values: readonly Value[]): NamedTensor[] =>
    values.flatMap(({ name, tensor }) => (tensor ? [{ name, documentation: "", tensor }] : []));
  return {
    isNominal: false,
    trained: named(model.parameters.map((p) => p.value)),
    frozen: named(model.verdicts.filter(isFrozen).map((v) => v.value)),
    optimizerGroups: [],
    properties: new Map(),
  };
}

/**
 * The entries of `template`, in its order: with `theta`'s numbers where they are parameters of the model, else
 * as they were; a nominal template has the model's.
 */
function fill(template: TrainingCheckpoint, model: Checkpoint, theta: Float64Array, path: string): Entry[] {
  const slots = new Map(model.parameters.map((p) => [p.name, p]));
  const initializers = new Map(model.verdicts.map(({ value }) => [value.name, value.tensor]));
  const entry = (trained: boolean) => (old: NamedTensor) => {
    const { name, documentation } = old;
    const stored = template.isNominal ? initializers.get(name) : old.tensor;
    if (stored === undefined) throw noValues(name, path);
    const slot = slots.get(name);
    if (slot === undefined) {
      const source: Entry["source"] = template.isNominal ? "model" : "checkpoint";
      return { name, documentation, trained, source, tensor: stored };
    }
    slots.delete(name);
    return {
      name,
      documentation,
      trained,
      source: "weights" as const,
      tensor: weightsOf(slot, theta, stored),
    };
  };
  const entries: Entry[] = [...template.trained.map(entry(true)), ...template.frozen.map(entry(false))];
  if (slots.size > 0) throw lacks([...slots.keys()], path);
  return entries;
}

/** The slot's part of θ, in the shape and element type of `stored`. */
function weightsOf(
  { name, shape, offset, size }: ParameterSlot,
  theta: Float64Array,
  stored: Tensor,
): Tensor {
  const { type, dims } = stored;
  const same = dims.length === shape.length && dims.every((d, i) => d === shape[i]);
  if (!same) {
    throw new LandscapeError(
      "INVALID_MODEL",
      `the checkpoint has another shape than the model: "${name}"; expected [${shape.join(", ")}], got [${dims.join(", ")}]. Use the checkpoint made with this model`,
      { name },
    );
  }
  return { type, dims, data: converted(type, theta.subarray(offset, offset + size), name) };
}

function converted(type: ElementType, values: Float64Array, name: string): TensorData {
  const stored = encodeFloats(type, values);
  if (stored !== undefined) return stored;
  throw new LandscapeError(
    "INVALID_MODEL",
    `the checkpoint has whole numbers for a parameter: "${name}"; expected a float type, got ${type}. Use the checkpoint made with this model`,
    { name },
  );
}

function lacks(names: readonly string[], path: string): LandscapeError {
  const list = names.slice(0, 5).map((name) => JSON.stringify(name));
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return new LandscapeError(
    "INVALID_MODEL",
    `the checkpoint ${JSON.stringify(path)} lacks parameters of the model: ${list.join(", ")}${more}. Use the checkpoint made with this model, or none`,
    { names },
  );
}

function noValues(name: string, path: string): LandscapeError {
  return new LandscapeError(
    "INVALID_MODEL",
    `no values for ${JSON.stringify(name)}: the checkpoint ${JSON.stringify(path)} is nominal and the model has no such initializer. Use the checkpoint made with this model`,
    { name },
  );
}

interface Written {
  readonly to: string;
  readonly old: string | null;
  readonly distance: number;
  readonly template: TrainingCheckpoint;
  readonly keepOptimizer: boolean;
  readonly entries: readonly Entry[];
}

function outcome({ to, old, distance, template, keepOptimizer, entries }: Written): Outcome {
  const groups = template.optimizerGroups.length;
  const optimizer = groups === 0 ? "none" : keepOptimizer ? "kept" : "dropped";
  const parameters = entries.map(({ name, tensor: { type, dims }, trained, source }) => ({
    name,
    shape: dims,
    type,
    trained,
    source,
  }));
  const count = (trained: boolean) => countText(entries.filter((e) => e.trained === trained).length);
  const rows = parameters.map((p) => [
    `  ${cutMiddle(p.name, 48)}`,
    `[${p.shape.join(", ")}]`,
    p.trained ? "trained" : "frozen",
    `from ${p.source}`,
  ]);
  return {
    json: { written: to, from: old, distance, parameters, properties: template.properties.size, optimizer },
    lines: [
      ...fieldLines([
        ["written", to],
        ["tensors", `${count(true)} trained, ${count(false)} frozen`],
        ["distance from the model's weights", numberText(distance, 4)],
        ["optimizer state", optimizer === "dropped" ? "dropped: it belongs to the old weights" : optimizer],
      ]),
      "",
      ...firstLines(tableLines(rows, "<<<<"), 20, "tensors"),
    ],
  };
}
