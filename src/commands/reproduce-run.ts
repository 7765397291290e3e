import { join, relative, resolve } from "node:path";
import process from "node:process";
import { analyse } from "../analysis/analyse.ts";
import { countText, plural } from "../analysis/number-text.ts";
import { type AnalysisOptions, defaultAnalysis } from "../analysis/options.ts";
import { PhaseTimer } from "../analysis/phase-timer.ts";
import { prefixed } from "../analysis/progress.ts";
import { reproductionFindings } from "../analysis/reproduction/findings.ts";
import { paperNetworks } from "../analysis/reproduction/paper.ts";
import { networkRow, type Toy, toyCase, toys, traceComparison } from "../analysis/reproduction/parts.ts";
import type {
  NetworkCase,
  ReproductionReport,
  ToyCase,
  TraceComparison,
} from "../analysis/reproduction/report.ts";
import { writeWhole } from "../analysis/run/files.ts";
import { FolderStore } from "../analysis/run/folder-store.ts";
import { RunFolder, type RunIdentity } from "../analysis/run/run-folder.ts";
import type { UnitStore } from "../analysis/run/unit-store.ts";
import type { StepContext } from "../analysis/steps/context.ts";
import { LandscapeError } from "../errors.ts";
import type { Problem } from "../objective/index.ts";
import { dataInfo, modelInfo, provenanceInfo } from "./analysis-run.ts";
import type { Context, Outcome } from "./command.ts";
import { type ProblemOptions, problemOptions, type RunOptions, type WhereOptions } from "./groups.ts";
import { optionDefaults } from "./options.ts";
import { chooseNetworks, type Network, type NetworkOptions } from "./paper-networks.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { reproductionLines } from "./reproduce-lines.ts";
import { commandText, partOfRun, type Run } from "./run.ts";
import { version } from "./version.ts";

/** Sizes and places of the paper's experiments. */
export interface ReproduceOptions extends RunOptions, NetworkOptions {
  readonly slices: number;
  readonly lines: number;
  readonly points: number;
  readonly maxProducts: number;
  readonly probes: number;
  readonly grid: number;
}

/** Where the paper compares the estimators on a toy: a loss whose trace is not 0. */
const compared = 550;

/** All experiments into the run folder `out`; a killed run continues, and --quick is a part of the whole. */
export async function runReproduction(
  options: ReproduceOptions,
  out: string,
  given: Context,
): Promise<Outcome> {
  const context = sayingOnce(given);
  const { networks, missing } = chooseNetworks(options);
  const named = networks.length === 0 ? "" : ` (${networks.map((n) => n.name).join(", ")})`;
  context.warn(`${toys.length} toy losses, ${plural(networks.length, "network")}${named}, into ${out}`);
  const timer = new PhaseTimer(context.progress);
  const identity = await identityOf(options);
  using folder = await RunFolder.open(resolve(context.io.cwd, out), identity, { say: context.warn });
  if (folder.resumed) context.warn(`continuing in ${out}: ${plural(folder.journal.size, "finished piece")}`);
  const tour: Tour = { options, context, timer, store: new FolderStore(folder), resumed: folder.resumed };
  const found = await compute(tour, networks, missing);
  const report: ReproductionReport = {
    schema: "onnx-landscape/reproduction/1",
    findings: reproductionFindings(found),
    ...found,
    cost: {
      seconds: timer.seconds(),
      phases: timer.phases(),
      // maxRSS is in kilobytes.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      resumed: folder.resumed,
    },
    provenance: await provenanceOf(options, context, found.networks),
  };
  await folder.write("reproduce.json", `${JSON.stringify(report)}\n`);
  const { renderReproduction } = await import("../report/index.ts");
  const page = join(folder.path, "reproduce.html");
  await writeWhole(page, await renderReproduction(report));
  return {
    json: { report: page, ...report },
    lines: reproductionLines(report, relative(context.io.cwd, page) || page),
  };
}

/** What holds for every model is said of the first. */
function sayingOnce(context: Context): Context {
  const said = new Set<string>();
  const warn = (line: string) => {
    if (!said.has(line)) context.warn(line);
    said.add(line);
  };
  return { ...context, warn };
}

interface Tour {
  readonly options: ReproduceOptions;
  readonly context: Context;
  readonly timer: PhaseTimer;
  readonly store: UnitStore;
  readonly resumed: boolean;
}

/** What the numbers depend on beside each network, whose own address is in its part of the store. */
async function identityOf(options: ReproduceOptions): Promise<RunIdentity> {
  const { slices, lines, points, maxProducts, probes, grid, samples, seed } = options;
  return {
    command: "reproduce",
    inputs: {},
    options: { slices, lines, points, maxProducts, probes, grid, samples, seed },
    versions: { "onnx-landscape": await version() },
  };
}

type Found = Pick<ReproductionReport, "toys" | "traces" | "table" | "networks" | "paper" | "leftOut">;

async function compute(
  tour: Tour,
  networks: readonly Network[],
  missing: ReadonlyMap<string, string>,
): Promise<Found> {
  const found: ToyCase[] = [];
  const traces: TraceComparison[] = [];
  const cases: NetworkCase[] = [];
  const out = new Map(missing);
  for (const toy of toys) found.push(await visitToy(tour, toy, traces));
  for (const network of networks) {
    try {
      cases.push(await visitNetwork(tour, network, traces));
    } catch (error) {
      // One file that cannot be used does not end hours of work on the others.
      if (networks.length === 1 || !isUnusable(error)) throw error;
      out.set(network.name, error.message);
      tour.context.warn(`warning: ${network.name} is left out: ${error.message}`);
    }
  }
  const paper = paperNetworks.map((n) => ({
    ...n,
    missing: out.get(n.name) ?? null,
    parametersHere: cases.find((c) => c.name === n.name)?.analysis.model.parameters ?? null,
  }));
  const leftOut = [...out].flatMap(([name, why]) =>
    paper.some((n) => n.name === name) ? [] : [{ name, why }],
  );
  return {
    toys: found,
    traces,
    table: cases.flatMap((c) => networkRow(c) ?? []),
    networks: cases,
    ...{ paper, leftOut },
  };
}

function isUnusable(error: unknown): error is LandscapeError {
  const codes: readonly string[] = ["INVALID_MODEL", "INVALID_DATA", "UNSUPPORTED_OP"];
  return error instanceof LandscapeError && codes.includes(error.code);
}

function visitToy(tour: Tour, toy: Toy, traces: TraceComparison[]): Promise<ToyCase> {
  const problem = { ...optionDefaults(problemOptions), loss: "output" } as const;
  return visit(tour, toy.name, toy.model, problem, async ({ step, probe }) => {
    // Planes of their own for each, so that one draw does not decide all.
    const { slices, seed } = tour.options;
    const result = await toyCase(step, probe, toy, { slices, seed: seed + toys.indexOf(toy) });
    if (toy.tilde === compared) {
      traces.push(await compare(tour, step, probe, toy.name, 2 * (toy.tilde - toy.n)));
    }
    return result;
  });
}

function visitNetwork(tour: Tour, network: Network, traces: TraceComparison[]): Promise<NetworkCase> {
  const { name, model, problem: options } = network;
  return visit(tour, name, model, options, async ({ step, probe, problem, progress }) => {
    const where = { ...options, ...tour.options };
    const subject = {
      ...{ train: step.train, test: step.test, probe, subsets: [] },
      model: modelInfo(problem, model),
      data: dataInfo(problem),
      provenance: await provenanceInfo(problem, model, where, { ...step.options }, tour.context),
    };
    const session = { store: step.store, progress, signal: step.signal, resumed: tour.resumed };
    const analysis = await analyse(subject, step.options, session);
    if (problem.loss.classes !== null) return { name, group: "image classifiers", analysis };
    traces.push(await compare(tour, step, probe, name, null));
    return { name, group: "function approximators", analysis };
  });
}

function warnOfSize(name: string, parameters: number, context: Context): void {
  const known = paperNetworks.find((n) => n.name === name);
  if (!known || known.parameters === parameters) return;
  const [here, there] = [parameters, known.parameters].map(countText);
  context.warn(`warning: ${name} has ${here} parameters, the paper's ${there}: another architecture`);
}

function compare(
  { options }: Tour,
  step: StepContext,
  probe: Problem["train"],
  name: string,
  exact: number | null,
): Promise<TraceComparison> {
  const { lines: probes, points, seed } = options;
  return traceComparison(step, probe, name, { probes, points, seed, exact });
}

interface Visit {
  readonly step: StepContext;
  /** Computes afresh whatever is stored. */
  readonly probe: Problem["train"];
  readonly problem: Problem;
  readonly progress: PhaseTimer;
}

/** Opens a model with its own place in the run's store. */
function visit<T>(
  { options, context, timer, store }: Tour,
  name: string,
  model: string,
  problemOptions: ProblemOptions,
  work: (visit: Visit) => Promise<T>,
): Promise<T> {
  const where: ProblemOptions & WhereOptions = { ...problemOptions, ...whereOf(options) };
  return withProblem(model, where, context, async (problem) => {
    await requireParameters(problem);
    warnOfSize(name, problem.train.n, context);
    const progress = new PhaseTimer(prefixed(timer, `${name}: `));
    const part: Pick<Run, "train" | "test" | "store"> = await partOfRun(
      store,
      "reproduce",
      problem,
      where,
      progress,
    );
    const step = { ...part, options: analysisOf(options), progress, signal: context.io.signal };
    return work({ step, probe: problem.train, problem, progress });
  });
}

function whereOf({ device, threads, workers, memory, batch }: WhereOptions): WhereOptions {
  return { device, threads, workers, memory, batch };
}

/** What the table and the planes need; the rest of a whole report is left to `report`. */
function analysisOf({ seed, maxProducts, probes, grid }: ReproduceOptions): AnalysisOptions {
  const less = {
    top: 1,
    bottom: 1,
    profilePoints: 3,
    randomProfiles: 2,
    scalePoints: 2,
    movingProducts: 0,
    subsets: 0,
  };
  return { ...defaultAnalysis, ...less, seed, maxProducts, probes, grid };
}

async function provenanceOf(
  options: ReproduceOptions,
  context: Context,
  networks: readonly NetworkCase[],
): Promise<ReproductionReport["provenance"]> {
  const { fixtures, cifar, networks: asked, quick, normalize, ...sizes } = options;
  const { slices, lines, points, maxProducts, probes, grid, samples } = sizes;
  const own = {
    ...{ fixtures, cifar, networks: asked, quick, normalize },
    ...{ slices, lines, points, maxProducts, probes, grid, samples },
  };
  const [first] = networks;
  return {
    created: new Date().toISOString(),
    command: commandText(context.argv),
    versions: first?.analysis.provenance.versions ?? { "onnx-landscape": await version() },
    device: first?.analysis.provenance.device ?? options.device,
    threads: options.threads ?? 1,
    seed: options.seed,
    options: own,
  };
}
