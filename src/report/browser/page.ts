import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import type { ReproductionReport } from "../../analysis/reproduction/report.ts";
import type { TrajectoryReport } from "../../analysis/trajectory/report.ts";
import { download } from "./download.ts";

type Carried = AnalysisReport | TrajectoryReport | ReproductionReport;

let parsed: Carried | undefined;

/** The report that the page carries. */
export function report(): Carried {
  parsed ??= JSON.parse(reportText()) as Carried;
  return parsed;
}

function reportText(): string {
  return document.getElementById("report-data")?.textContent ?? "";
}

export function setUpReport(): void {
  const button = document.querySelector<HTMLElement>("[data-save-report]");
  if (!button) return;
  button.closest<HTMLElement>(".tools")!.hidden = false;
  button.addEventListener("click", () => download(fileName(), "application/json", reportText()));
}

/** As in the run folder. */
function fileName(): string {
  if ("networks" in report()) return "reproduce.json";
  return "animation" in report() ? "trajectory.json" : "report.json";
}

export function setUpCopy(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
    const source = document.getElementById(button.dataset["copy"] ?? "");
    if (!source || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.textContent ?? "");
      button.textContent = "Copied";
    });
  }
}

/** Paper has no way to open what is closed. */
export function openForPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}
