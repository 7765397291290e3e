import { numberText } from "../../analysis/number-text.ts";
import type { PathPoint, TrajectoryReport } from "../../analysis/trajectory/report.ts";
import { type Content, type Html, html } from "../html.ts";
import { type Column, table } from "../tables/table.ts";
import { measuredText, shareText, valueText } from "../text.ts";

interface Field {
  readonly head: string;
  readonly value: (p: PathPoint) => Content;
  readonly shown?: boolean;
}

/** Where each checkpoint lies, and what the map has there. */
export function placeTable({ checkpoints, plane }: TrajectoryReport): Html {
  return pathTable("Places on the path", checkpoints, [
    { head: "α", value: (p) => numberText(p.x, 4) },
    { head: "β", value: (p) => numberText(p.y, 4) },
    { head: "‖θₖ − θ_last‖", value: (p) => numberText(p.distance, 4) },
    { head: "beside the plane", value: (p) => numberText(p.offPlane, 4) },
    { head: "training loss", value: (p) => numberText(p.checkpoint.train.loss, 5) },
    { head: "on the map", value: (p) => valueText(p.onPlane.train.loss, 5) },
    { head: "test loss", value: (p) => valueText(p.checkpoint.test?.loss, 5), shown: plane.test !== null },
    { head: "on the map", value: (p) => valueText(p.onPlane.test?.loss, 5), shown: plane.test !== null },
  ]);
}

/** Losses and curvatures of each checkpoint. */
export function curveTable({ checkpoints, plane }: TrajectoryReport): Html {
  const classes = checkpoints.some((p) => p.checkpoint.train.accuracy !== null);
  const pair = (p: PathPoint, i: number) => measuredText(p.eigenpairs[i]?.value, p.eigenpairs[i]?.residual);
  return pathTable("Losses and curvatures over training", checkpoints, [
    { head: "step", value: (p) => valueText(p.step, 8), shown: checkpoints.every((p) => p.step !== null) },
    { head: "training loss", value: (p) => numberText(p.checkpoint.train.loss, 5) },
    { head: "test loss", value: (p) => valueText(p.checkpoint.test?.loss, 5), shown: plane.test !== null },
    { head: "accuracy", value: (p) => shareText(p.checkpoint.train.accuracy, 4), shown: classes },
    {
      head: "test accuracy",
      value: (p) => shareText(p.checkpoint.test?.accuracy, 4),
      shown: classes && plane.test !== null,
    },
    { head: "‖∇L‖", value: (p) => numberText(p.checkpoint.gradientNorm, 5) },
    { head: "λ₊", value: (p) => pair(p, 0) },
    { head: "λ₋", value: (p) => pair(p, 1) },
    {
      head: "tr H",
      value: (p) => measuredText(p.trace?.value, p.trace?.standardError),
      shown: checkpoints.some((p) => p.trace),
    },
    { head: "‖θ‖", value: (p) => numberText(p.checkpoint.thetaNorm, 4) },
  ]);
}

function pathTable(caption: string, points: readonly PathPoint[], fields: readonly Field[]): Html {
  const shown = fields.filter((f) => f.shown ?? true);
  const columns: Column[] = [{ head: "checkpoint" }, ...shown.map(({ head }) => ({ head, numeric: true }))];
  const rows = points.map((p) => [html`<code>${p.name}</code>`, ...shown.map((f) => f.value(p))]);
  return table(caption, columns, rows);
}

/** Which files the checkpoints are. */
export function fileTable({ checkpoints }: TrajectoryReport): Html {
  return table(
    "Checkpoints",
    [{ head: "checkpoint" }, { head: "sha256" }],
    checkpoints.map((p) => [html`<code>${p.name}</code>`, html`<code class="hash">${p.sha256}</code>`]),
  );
}
