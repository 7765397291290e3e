import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { countText, numberText, plural, withError } from "../analysis/number-text.ts";
import { PhaseTimer } from "../analysis/phase-timer.ts";
import { writeWhole } from "../analysis/run/files.ts";
import { JournaledObjective } from "../analysis/run/journaled-objective.ts";
import { type RunFolder, readRunIdentity } from "../analysis/run/run-folder.ts";
import { scopedStore } from "../analysis/run/scoped-store.ts";
import { spread, type TrajectoryOptions } from "../analysis/trajectory/options.ts";
import { planText } from "../analysis/trajectory/plan.ts";
import type { TrajectoryReport } from "../analysis/trajectory/report.ts";
import { analyseTrajectory, type TrajectorySubject } from "../analysis/trajectory/trajectory.ts";
import type { Problem } from "../objective/index.ts";
import { dataInfo, modelInfo, noPage, provenanceInfo } from "./analysis-run.ts";
import { checkpointPaths, openSeries, readSteps, type Series, stepsOf } from "./checkpoint-series.ts";
import type { Context, Outcome } from "./command.ts";
import type { ProblemOptions, WhereOptions } from "./groups.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun, type Run } from "./run.ts";
import { tableLines } from "./table.ts";
import { writeTrajectory } from "./trajectory-npz.ts";

const fileName = "trajectory.json";

interface Asked extends ProblemOptions, WhereOptions {
  readonly seed: number;
  readonly out: string;
  readonly steps: string | null;
  readonly npz: string | null;
}

/** Follows the checkpoints into the run folder `out` and writes the page; a finished folder only gets its page anew. */
export async function runTrajectory(
  words: readonly string[],
  options: Asked,
  chosen: TrajectoryOptions,
  context: Context,
): Promise<Outcome> {
  const paths = checkpointPaths(words);
  const given = options.steps === null ? null : readSteps(options.steps, paths.length);
  const series = await openSeries(paths, options);
  const steps = given ?? stepsOf(series.entries.map((e) => e.name));
  return withProblem(paths.at(-1) as string, options, context, async (problem) => {
    await requireParameters(problem);
    context.warn(intro(series, problem, chosen, options.out));
    const progress = new PhaseTimer(context.progress);
    const checkpoints = series.entries.map(({ name, sha256 }, k) => ({
      name,
      sha256,
      step: steps?.[k] ?? null,
    }));
    const own = { ...chosen, checkpoints };
    using run = await openRun("trajectory", problem, options, own, options.out, { ...context, progress });
    const folder = run.folder as RunFolder;
    const finished = await readFinished(folder.path);
    if (finished) {
      context.warn(`${options.out} is finished: only its page is made anew`);
      return finish(folder.path, finished, options.npz, context);
    }
    const { analysis, ...others } = chosen;
    const shown = { ...analysis, ...others, steps: options.steps };
    const subject: TrajectorySubject = {
      checkpoints,
      weights: series.weights,
      otherDifferences: series.otherDifferences,
      open: opener(series, problem, run, options, context),
      model: modelInfo(problem, paths.at(-1) as string),
      data: dataInfo(problem),
      provenance: await provenanceInfo(problem, paths.at(-1) as string, options, shown, context),
    };
    const session = { progress, signal: context.io.signal, resumed: folder.resumed };
    const report = await analyseTrajectory(subject, chosen, session);
    await folder.write(fileName, `${JSON.stringify(report)}\n`);
    return finish(folder.path, report, options.npz, context);
  });
}

function intro(series: Series, { train, test }: Problem, chosen: TrajectoryOptions, out: string): string {
  const count = series.entries.length;
  const samples = test ? `${train.samples} + ${test.samples}` : String(train.samples);
  const plan = planText(count, chosen, spread(count, chosen.frames).length);
  return `${plural(count, "checkpoint")}, ${countText(train.n)} parameters, ${samples} samples; ${plan}, into ${out}`;
}

/** The last checkpoint's problem is open all the while, the others one at a time. */
function opener(
  series: Series,
  last: Problem,
  run: Run,
  options: Asked,
  context: Context,
): TrajectorySubject["open"] {
  return (k, progress, work) => {
    const entry = series.entries[k] as Series["entries"][number];
    const store = scopedStore(run.store, entry.sha256);
    const opened = ({ train, test }: Problem) =>
      work({
        train: new JournaledObjective(train, "train", store, progress),
        test: test && new JournaledObjective(test, "test", store, progress),
        probe: train,
        store,
      });
    if (k === series.entries.length - 1) return opened(last);
    // What is to be said of model and data the last one's opening has said.
    return withProblem(entry.path, { ...options, npz: null }, { ...context, warn: () => {} }, opened);
  };
}

/** The page of a finished run folder, made again without its checkpoints or data; undefined if that is not what is meant. */
export async function remakeTrajectoryPage(
  [path = "", ...more]: readonly string[],
  npz: string | null,
  context: Context,
): Promise<Outcome | undefined> {
  const folder = resolve(context.io.cwd, path);
  if (more.length > 0 || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const identity = await readRunIdentity(folder);
  if (!identity) return undefined;
  const report = await readFinished(folder);
  if (report) return finish(folder, report, npz, context);
  throw noPage(path, identity.command, "trajectory");
}

async function readFinished(folder: string): Promise<TrajectoryReport | undefined> {
  const path = join(folder, fileName);
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as TrajectoryReport) : undefined;
}

async function finish(
  folder: string,
  report: TrajectoryReport,
  npz: string | null,
  context: Context,
): Promise<Outcome> {
  const { renderTrajectory } = await import("../report/index.ts");
  const page = join(folder, "trajectory.html");
  await writeWhole(page, await renderTrajectory(report));
  if (npz) writeTrajectory(npz, report);
  return {
    json: { report: page, ...report },
    lines: lines(report, relative(context.io.cwd, page) || page),
  };
}

function lines(report: TrajectoryReport, page: string): string[] {
  const head = ["checkpoint", "loss", "‖∇L‖", "λ₊", "λ₋", "tr H", "from last", "off plane"];
  const rows = report.checkpoints.map((p) => [
    p.name,
    numberText(p.checkpoint.train.loss, 5),
    numberText(p.checkpoint.gradientNorm, 4),
    ...[0, 1].map((i) => {
      const pair = p.eigenpairs[i];
      return pair ? withError(pair.value, pair.residual) : "–";
    }),
    p.trace ? withError(p.trace.value, p.trace.standardError) : "–",
    numberText(p.distance, 3),
    numberText(p.offPlane, 3),
  ]);
  const look = report.health.filter((h) => h.status === "look" || h.status === "failed");
  return [
    ...tableLines([head, ...rows], "<>>>>>>>"),
    "",
    ...report.findings.map((f) => `• ${f.text}`),
    ...(look.length > 0
      ? ["", ...look.map((h) => `${h.status === "failed" ? "✘" : "△"} ${h.label}: ${h.text}`)]
      : []),
    "",
    page,
  ];
}
