import { countText, numberText, withError } from "../../analysis/number-text.ts";
import type {
  NetworkRow,
  PaperStatus,
  PlaneMinimum,
  PointValues,
  ReproductionReport,
} from "../../analysis/reproduction/report.ts";
import { type Content, type Html, html } from "../html.ts";
import { type Column, table } from "../tables/table.ts";
import { keepTogether, shareText } from "../text.ts";

const numeric = (head: Content): Column => ({ head, numeric: true });

/** The paper's Table 2. */
export function networkTable({ table: rows }: ReproductionReport): Html {
  const columns = [
    { head: "network" },
    ...["parameters", "samples", "λ₊", "λ₋", "tr H", "P(saddle)"].map(numeric),
    { head: "at" },
    ...["train loss", "accuracy", "test loss", "accuracy", "‖Δθ‖"].map(numeric),
  ];
  return html`<section id="table"><h2>Networks: the paper’s Table 2</h2>${
    rows.length === 0
      ? html`<p class="muted">No networks were looked at.</p>`
      : table("Networks", columns, rows.flatMap(networkRows))
  }<p class="note">λ₊ and λ₋ with their residuals, the trace with one standard error. P(saddle): how many random planes would show
the saddle, drawn over the measured spectrum. At a plane: the lowest training loss found in it, the checkpoint itself where none is
lower; test values are those of the same point, not of a minimum of their own. ‖Δθ‖ is its distance from the checkpoint.
Networks are the files given, not the paper’s own weights, which were not published: read the pattern, not the digits.</p></section>`;
}

function networkRows(row: NetworkRow): Content[][] {
  const facts = [
    html`<strong>${row.name}</strong>`,
    countText(row.parameters),
    countText(row.samples),
    withError(row.top.value, row.top.residual),
    withError(row.bottom.value, row.bottom.residual),
    withError(row.trace.value, row.trace.standardError),
    shareText(row.saddles?.share),
  ];
  const blank = facts.map(() => "");
  return [
    [...facts, "checkpoint", ...valuesOf(row.checkpoint), "0"],
    [...blank, "random plane", ...valuesOf(row.random), distance(row.random)],
    [...blank, "Hessian plane", ...valuesOf(row.hessian), distance(row.hessian)],
  ];
}

function distance({ x, y }: PlaneMinimum): string {
  return numberText(Math.hypot(x, y), 3);
}

function valuesOf({ train, test }: PointValues): string[] {
  return [
    numberText(train.loss, 4),
    shareText(train.accuracy, 4),
    test ? numberText(test.loss, 4) : "–",
    shareText(test?.accuracy, 4),
  ];
}

/** What the paper reports, and which of its networks are missing here. */
export function paperTable({ paper, leftOut }: ReproductionReport): Html {
  const rows = paper.map((network) => [
    html`<strong>${network.name}</strong>`,
    network.title,
    countText(network.parameters),
    html`<div class="long">${keepTogether(network.reports)}</div>`,
    html`<div class="long">${statusOf(network)}</div>`,
  ]);
  return html`<section id="paper"><h2>What the paper reports, and what is here</h2>${table(
    "Networks of the paper",
    [
      { head: "network" },
      { head: "" },
      numeric("parameters"),
      { head: "the paper reports" },
      { head: "here" },
    ],
    rows,
  )}${
    leftOut.length > 0 &&
    html`<p class="note">Also not looked at: ${leftOut.map(({ name, why }) => `${name} (${why})`).join("; ")}.</p>`
  }<p class="note">scripts/paper in the project’s repository trains and exports every one of them.</p></section>`;
}

function statusOf({ missing, parameters, parametersHere }: PaperStatus): Content {
  if (missing !== null) return html`<span class="status not-done">– missing</span>: ${missing}`;
  if (parametersHere === null || parametersHere === parameters) {
    return html`<span class="status ok">✔ in the table above</span>`;
  }
  return html`<span class="status look">△ another architecture</span>: ${countText(parametersHere)} parameters`;
}

/** Checks on the networks' numbers that ask for a look; how many passed. */
export function healthTable({ networks }: ReproductionReport): Html | null {
  if (networks.length === 0) return null;
  const checks = networks.flatMap(({ name, analysis }) =>
    analysis.health.map((check) => ({ name, ...check })),
  );
  const look = checks.filter((c) => c.status === "failed" || c.status === "look");
  const count = (status: (typeof checks)[number]["status"]) =>
    checks.filter((c) => c.status === status).length;
  const marks = { failed: "✘ failed", look: "△ look", ok: "✔ ok", "not done": "– not done" };
  return html`<section id="health"><h2>Health</h2>
<p class="finding">${count("ok")} of ${checks.length} checks on the networks’ numbers are ok, ${count("not done")} were not done${look.length > 0 ? "; to look at:" : "."}</p>${
    look.length > 0 &&
    table(
      "Health checks",
      [{ head: "status" }, { head: "network" }, { head: "check" }, { head: "measured" }],
      look
        .toSorted((a, b) => a.status.localeCompare(b.status))
        .map((c) => [
          html`<span class="status ${c.status}">${marks[c.status]}</span>`,
          c.name,
          c.label,
          c.text,
        ]),
    )
  }</section>`;
}
