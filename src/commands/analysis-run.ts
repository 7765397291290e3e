import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import process from "node:process";
import { analyse, type Subject } from "../analysis/analyse.ts";
import { analyseLosses, lossPlanText } from "../analysis/analyse-losses.ts";
import type { AnalysisReport, DataInfo, ModelInfo, ProvenanceInfo } from "../analysis/analysis-report.ts";
import { countText } from "../analysis/number-text.ts";
import type { AnalysisOptions } from "../analysis/options.ts";
import { PhaseTimer } from "../analysis/phase-timer.ts";
import { planText } from "../analysis/plan.ts";
import { type RunFolder, readRunIdentity } from "../analysis/run/run-folder.ts";
import { LandscapeError } from "../errors.ts";
import { obstacleText } from "../model/unsupported.ts";
import type { Problem } from "../objective/index.ts";
import type { Context, Outcome } from "./command.ts";
import type { ProblemOptions, WhereOptions } from "./groups.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { commandText, openRun, type Run } from "./run.ts";
import { version } from "./version.ts";

/** Analyses a model into the run folder `out` and writes the report; a finished folder only gets its page anew. */
export async function runAnalysis(
  command: "report" | "demo",
  model: string,
  options: ProblemOptions & WhereOptions & { readonly out: string },
  analysis: (problem: Problem) => AnalysisOptions,
  context: Context,
): Promise<Outcome> {
  return withProblem(model, options, context, async (problem) => {
    await requireParameters(problem);
    const { train, test, obstacle } = problem;
    const chosen = analysis(problem);
    assertPairs(chosen, train.n);
    const samples = test ? `${train.samples} + ${test.samples}` : String(train.samples);
    context.warn(
      `${basename(model)}: ${countText(train.n)} parameters, ${samples} samples; ${obstacle ? lossPlanText(chosen) : planText(chosen)}, into ${options.out}`,
    );
    if (obstacle) {
      context.warn(`warning: no gradient: ${obstacleText(obstacle)}. The report has what losses alone tell`);
    }
    const progress = new PhaseTimer(context.progress);
    const own = { ...chosen };
    using run = await openRun(command, problem, options, own, options.out, { ...context, progress });
    const folder = run.folder as RunFolder;
    const finished = await readFinished(folder.path);
    if (finished) {
      context.warn(`${options.out} is finished: only its page is made anew`);
      return await writePage(folder.path, finished, context);
    }
    const subject = await subjectOf(problem, run, model, options, chosen, context);
    const { signal } = context.io;
    const session = { store: run.store, progress, signal, resumed: folder.resumed };
    const report = await (obstacle ? analyseLosses : analyse)(subject, chosen, session);
    await folder.write("report.json", `${JSON.stringify(report)}\n`);
    return await writePage(folder.path, report, context);
  });
}

/** The page of a finished run folder, made again without its model or data; undefined if `path` is no run folder. */
export async function remakePage(path: string, context: Context): Promise<Outcome | undefined> {
  const folder = resolve(context.io.cwd, path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const identity = await readRunIdentity(folder);
  if (!identity) return undefined;
  const report = await readFinished(folder);
  if (report) return writePage(folder, report, context);
  throw noPage(path, identity.command, "report");
}

/** Why there is no page to be made anew of a run folder. */
export function noPage(path: string, command: string, asked: string): LandscapeError {
  const message =
    command === asked || command === "demo"
      ? `"${path}" is a run that is not finished. start it again with the same model and options`
      : `"${path}" is a run of "${command}"; expected a model, or the folder of a "${asked}" for its page to be made anew`;
  return new LandscapeError("RUN_FOLDER", message, { path, command });
}

async function readFinished(folder: string): Promise<AnalysisReport | undefined> {
  const path = join(folder, "report.json");
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as AnalysisReport) : undefined;
}

async function writePage(folder: string, report: AnalysisReport, context: Context): Promise<Outcome> {
  const { renderReport } = await import("../report/index.ts");
  const { writeWhole } = await import("../analysis/run/files.ts");
  const page = join(folder, "report.html");
  await writeWhole(page, await renderReport(report));
  return {
    json: { report: page, ...report },
    lines: reportLines(report, relative(context.io.cwd, page) || page),
  };
}

/** The verdict, what needs a look, and last the page. */
function reportLines(report: AnalysisReport, page: string): string[] {
  const look = report.health.filter((h) => h.status === "look" || h.status === "failed");
  return [
    ...report.verdict.map((s) => `• ${s.text}`),
    ...(look.length > 0
      ? ["", ...look.map((h) => `${h.status === "failed" ? "✘" : "△"} ${h.label}: ${h.text}`)]
      : []),
    "",
    page,
  ];
}

function assertPairs({ top, bottom }: AnalysisOptions, n: number): void {
  if (top + bottom <= n) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `--top ${top} and --bottom ${bottom} ask for more than the ${n} eigenvalues there are. lower them`,
    { top, bottom, n },
  );
}

async function subjectOf(
  problem: Problem,
  run: Run,
  model: string,
  options: ProblemOptions & WhereOptions,
  analysis: AnalysisOptions,
  context: Context,
): Promise<Subject> {
  const { train, test } = run;
  return {
    ...{ train, test, probe: problem.train, subsets: run.subsets(problem.obstacle ? 0 : analysis.subsets) },
    model: modelInfo(problem, model),
    data: dataInfo(problem),
    provenance: await provenanceInfo(
      problem,
      model,
      { ...options, seed: analysis.seed },
      { ...analysis },
      context,
    ),
  };
}

export function modelInfo({ checkpoint, train, obstacle }: Problem, model: string): ModelInfo {
  return {
    name: basename(model).replace(/\.onnx$/i, ""),
    sha256: checkpoint.sha256,
    opset: checkpoint.opset,
    producer: checkpoint.producer,
    parameters: train.n,
    tensors: train.parameters,
    warnings: checkpoint.warnings,
    ...(obstacle && { obstacle: obstacleText(obstacle) }),
  };
}

export function dataInfo({ train, test, dataHashes, loss }: Problem): DataInfo {
  return {
    train: { samples: train.samples, sha256: dataHashes.train },
    test: test && dataHashes.test !== null ? { samples: test.samples, sha256: dataHashes.test } : null,
    loss: loss.kind,
    classes: loss.classes,
  };
}

/** `chosen` are the options of the analysis. */
export async function provenanceInfo(
  problem: Problem,
  model: string,
  options: ProblemOptions & WhereOptions & { readonly seed: number },
  chosen: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<ProvenanceInfo> {
  return {
    created: new Date().toISOString(),
    command: commandText(context.argv),
    modelPath: model,
    trainPath: options.data ?? "",
    testPath: options.testData,
    versions: {
      "onnx-landscape": await version(),
      onnxruntime: problem.runtimeVersion,
      node: process.versions.node,
    },
    device: problem.device,
    threads: options.threads ?? 1,
    workers: problem.workers,
    batch: problem.batch,
    seed: options.seed,
    options: chosen,
  };
}
