// TrajectoryReport once more, as a schema that checks at run time; the compiler holds the two together.
import { z } from "zod";
import { reportParts } from "../schema.ts";
import type { TrajectoryReport } from "./report.ts";

const { gridValues } = reportParts;
const count = z.int().nonnegative();
const finite = z.number();
const maybe = finite.nullable();

const finding = z.object({ id: z.string(), text: z.string(), evidence: z.array(z.string()).readonly() });

const surfaceValue = z.object({ loss: maybe, accuracy: maybe });

const pathPoint = z.object({
  name: z.string(),
  sha256: z.string(),
  step: maybe,
  checkpoint: reportParts.checkpoint,
  eigenpairs: z.array(reportParts.pair).readonly(),
  products: count,
  hvp: reportParts.hvp.optional(),
  stopped: reportParts.stopped.optional(),
  cosTop: finite,
  cosBottom: finite,
  trace: reportParts.trace.nullable(),
  x: finite,
  y: finite,
  distance: finite,
  offPlane: finite,
  onPlane: z.object({ train: surfaceValue, test: surfaceValue.nullable() }),
  inLastGraph: maybe,
});

const axis = z.array(finite).readonly();

const plane = z.object({
  kind: z.enum(["pca", "hessian"]),
  xLabel: z.string(),
  yLabel: z.string(),
  explained: z.tuple([finite, finite]).readonly(),
  shares: axis,
  x: axis,
  y: axis,
  train: gridValues,
  test: gridValues.nullable(),
  range: z.string(),
});

const frame = z.object({
  checkpoint: count,
  x: axis,
  y: axis,
  train: gridValues,
  test: gridValues.nullable(),
});

const animation = z.object({
  directions: z.enum(["fixed", "follow"]),
  frames: z.array(frame).readonly(),
  range: z.string(),
});

const report = z.object({
  schema: z.literal("onnx-landscape/trajectory/1"),
  model: reportParts.model,
  data: reportParts.data,
  findings: z.array(finding).readonly(),
  checkpoints: z.array(pathPoint).readonly(),
  plane,
  animation: animation.nullable(),
  health: z.array(reportParts.healthCheck).readonly(),
  cost: reportParts.cost,
  provenance: reportParts.provenance,
});

// Not a value but a check: without it the schema could ask for more than the interface has.
const exact: TrajectoryReport extends z.infer<typeof report> ? typeof report : never = report;

/** Accepts what TrajectoryReport describes; fields it does not know are dropped, since fields are only added. */
export const trajectoryReportSchema: z.ZodType<TrajectoryReport> = exact;

/** The same as JSON Schema, published as trajectory.schema.json. */
export function trajectoryJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(trajectoryReportSchema, { io: "input" });
  return { $schema, title: "onnx-landscape trajectory, version 1", ...rest };
}
