import type { Graph, OnnxModel, Value } from "../onnx/graph.ts";
import type { InitializerVerdict } from "./parameters.ts";

/** Something about the file that the user should know before trusting numbers. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What the checks see: the file as decoded, its graph at opset 18, and what was said of its initializers. */
export interface Facts {
  readonly model: OnnxModel;
  readonly graph: Graph;
  readonly verdicts: readonly InitializerVerdict[];
  readonly parameters: readonly Value[];
}

/** One thing that may be odd about a file; null where it is not. */
export type Check = (facts: Facts) => Warning | null;

export const isPyTorch = ({ model }: Facts): boolean => /pytorch/i.test(model.producer);

/** "a", "b", … and how many more. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).map((n) => `"${n}"`);
  return names.length > most ? `${shown.join(", ")} and ${names.length - most} more` : shown.join(", ");
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
