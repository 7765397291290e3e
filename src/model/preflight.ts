import type { Graph, OnnxModel } from "../onnx/graph.ts";
import type { InitializerVerdict } from "./parameters.ts";
import type { Warning } from "./preflight-check.ts";
import { graphChecks } from "./preflight-graph.ts";
import { weightChecks } from "./preflight-weights.ts";

export type { Warning } from "./preflight-check.ts";

/** What the file itself shows, without data: how the exporter changed the model, and what follows for the analysis. */
export function preflightWarnings(
  model: OnnxModel,
  graph: Graph,
  verdicts: readonly InitializerVerdict[],
): Warning[] {
  const parameters = verdicts.filter((v) => v.isParameter).map((v) => v.value);
  const facts = { model, graph, verdicts, parameters };
  return [...weightChecks, ...graphChecks].map((check) => check(facts)).filter((w) => w !== null);
}
