import {
  type Decrease,
  decreaseOf,
  type LowestPoint,
  localModel,
  lowestAlong,
  measureLossNoise,
} from "../curvature/index.ts";
import { displaced } from "../objective/dataset-objective.ts";
import type { Direction, Evaluation, Objective } from "../objective/types.ts";
import type { Eigenpair } from "./analysis-report.ts";
import { numberText, percentText } from "./number-text.ts";
import { vectorHash } from "./run/unit.ts";
import type { StepContext } from "./steps/context.ts";
import { type EigenRequest, eigenStep } from "./steps/eigenpairs.ts";

/** Which curvature the directions are of: the Hessian's, or that at a distance, of differences whose branches move. */
export type Branches = "frozen" | "moving";

export interface ImproveOptions {
  readonly direction: Branches;
  /** Searches the plane of v₊ and the direction, not the line alone. */
  readonly plane: boolean;
  readonly rounds: number;
  /** A round that lowers the loss by less than this fraction is the last. */
  readonly least: number;
  readonly tolerance: number;
  readonly maxProducts: number;
  readonly movingProducts: number;
  readonly hvp: "fd" | "exact";
  readonly seed: number;
}

/** What a round is computed in: objectives around the parameters that it starts from. */
export interface ImproveSession {
  around(theta: Float32Array): StepContext;
  /** The parameters as the file can hold them. */
  asStored(theta: Float32Array): Float32Array;
}

/** A line or plane that was searched, with its lowest point. */
export interface Searched extends LowestPoint {
  /** The direction: v₋ of frozen or of moving branches; "plane": with v₊. */
  readonly along: Branches | "plane";
  /** Decrease of the train loss relative to it; null where that is not above 0. */
  readonly gain: number | null;
}

/** What a step does to the loss on one data set. */
export interface StepEffect extends Pick<Evaluation, "loss" | "accuracy"> {
  readonly gain: number | null;
  readonly decrease: Decrease;
  /** Slope ∇L·d and curvature dᵀHd along each direction of the step, at its start. */
  readonly slopes: readonly number[];
  readonly curvatures: readonly number[];
  readonly curvatureErrors: readonly number[];
}

export interface Round {
  /** v₋'s eigenvalue with its residual, and for `moving` that of the plain differences. */
  readonly eigenvalues: readonly {
    readonly of: Branches;
    readonly value: number;
    readonly residual: number;
  }[];
  readonly searched: readonly Searched[];
  /** The step taken: coefficients of the unit directions, its length, and that relative to ‖θ‖. */
  readonly step: {
    readonly directions: readonly ("v+" | "v-")[];
    readonly at: readonly number[];
    readonly length: number;
    readonly relative: number;
  };
  /** Rounding noise of the train loss (one standard deviation), and the least decrease that is told from it. */
  readonly noise: number;
  readonly threshold: number;
  readonly train: StepEffect;
  readonly watched: StepEffect | null;
}

/** Why no other round was done. */
export type Stopped = "rounds" | "noise" | "small" | "watched rose";

export interface Improvement {
  readonly theta: Float32Array;
  readonly before: Losses;
  readonly after: Losses;
  readonly rounds: readonly Round[];
  /** The round that did not pay, and was not taken. */
  readonly refused: Round | null;
  readonly stopped: Stopped;
}

export interface Losses {
  readonly train: Pick<Evaluation, "loss" | "accuracy">;
  readonly watched: Pick<Evaluation, "loss" | "accuracy"> | null;
}

/**
 * A decrease counts from ten standard deviations of the noise on: the least of some seventy noisy losses against a noisy
 * one comes to four or five by chance (measured on fcnn10).
 */
const SIGNIFICANT = 10;
/** No loss in float32 is known better than to half a unit in its last place. */
const ROUNDING = 2 ** -24;

/**
 * Lowers the train loss along the direction of the most negative curvature, round after round from where the last one
 * ended, as long as it pays. What is watched (test or held-out samples) decides no step; when it rises no round follows.
 */
export async function lowerLoss(
  theta: Float32Array,
  options: ImproveOptions,
  session: ImproveSession,
): Promise<Improvement> {
  const rounds: Round[] = [];
  let [now, refused, stopped] = [theta, null as Round | null, "rounds" as Stopped];
  while (rounds.length < options.rounds) {
    const { round, end } = await tryRound(now, options, session);
    if (!(round.train.decrease.whole > round.threshold)) {
      [refused, stopped] = [round, "noise"];
      break;
    }
    rounds.push(round);
    now = end;
    const { train, watched } = round;
    if (watched && watched.decrease.whole < 0) stopped = "watched rose";
    else if (train.gain !== null && train.gain < options.least) stopped = "small";
    if (stopped !== "rounds") break;
  }
  const before = await lossesAt(session.around(theta));
  const after = await lossesAt(session.around(now));
  return { theta: now, before, after, rounds, refused, stopped };
}

async function lossesAt({ train, test, signal }: StepContext): Promise<Losses> {
  const of = async (objective: Objective) => {
    const { loss, accuracy } = await objective.evaluate([], signal);
    return { loss, accuracy };
  };
  return { train: await of(train), watched: test && (await of(test)) };
}

async function tryRound(
  theta: Float32Array,
  options: ImproveOptions,
  session: ImproveSession,
): Promise<{ round: Round; end: Float32Array }> {
  const context = session.around(theta);
  const { train, test, signal, progress } = context;
  const { eigenvalues, top, bottoms } = await directionsOf(context, options);
  progress.start("line search");
  const { loss } = await train.evaluate([], signal);
  const measured = await measureLossNoise(train, bottoms[0]?.direction as Direction, signal);
  const noise = Math.max(measured, ROUNDING * Math.abs(loss));
  const searched: Searched[] = [];
  const search = async (along: Searched["along"], directions: readonly Direction[]) => {
    const found = await lowestAlong(train, directions, { loss, noise, signal });
    searched.push({ ...found, along, gain: gainOf(loss, loss - found.loss) });
  };
  for (const { of, direction } of bottoms) await search(of, [direction]);
  const chosen = bottoms.at(-1)?.direction as Direction;
  const directions = options.plane ? [top, chosen] : [chosen];
  if (options.plane) await search("plane", directions);
  const { at } = searched.at(-1) as Searched;
  progress.finish(searched.map(searchedText).join("   "));

  progress.start("step");
  const displacement = at.map((coefficient, i) => ({ coefficient, direction: directions[i] as Direction }));
  const end = session.asStored(displaced(theta, displacement));
  const there = session.around(end);
  const effect = async (from: Objective, to: Objective): Promise<StepEffect> => {
    const model = await localModel(from, directions, options.hvp, signal);
    const { loss, accuracy } = await to.evaluate([], signal);
    const decrease = decreaseOf(model, at, loss);
    return {
      ...{ loss, accuracy, decrease, gain: gainOf(model.loss, decrease.whole), slopes: model.slopes },
      curvatures: model.curvatures.map((row, i) => row[i] as number),
      curvatureErrors: model.errors,
    };
  };
  const length = Math.sqrt(end.reduce((sum, x, i) => sum + (x - (theta[i] as number)) ** 2, 0));
  const round: Round = {
    ...{ eigenvalues, searched, noise, threshold: SIGNIFICANT * noise },
    step: {
      directions: options.plane ? ["v+", "v-"] : ["v-"],
      ...{ at, length, relative: length / (train.thetaNorm || 1) },
    },
    train: await effect(train, there.train),
    watched: test && there.test ? await effect(test, there.test) : null,
  };
  progress.finish(`train loss ${numberText(loss, 5)} → ${numberText(round.train.loss, 5)}`);
  return { round, end };
}

interface Bottom {
  readonly of: Branches;
  readonly direction: Direction;
}

/** v₊, and v₋ of frozen branches, followed by that of moving ones if it is asked for. */
async function directionsOf(
  context: StepContext,
  options: ImproveOptions,
): Promise<{ eigenvalues: Round["eigenvalues"]; top: Direction; bottoms: readonly Bottom[] }> {
  const { tolerance, maxProducts, hvp, seed } = options;
  const request: EigenRequest = { top: 1, bottom: 1, tolerance, maxProducts, hvp, kinks: "frozen", seed };
  const frozen = await endsOf(context, "frozen", request);
  if (options.direction === "frozen") {
    return { eigenvalues: [frozen.eigenvalue], top: frozen.top, bottoms: [frozen.bottom] };
  }
  // Plain differences are not symmetric: their noise says "converged" long before the direction stops falling.
  const count = { maxProducts: options.movingProducts, leastProducts: options.movingProducts };
  const plain: EigenRequest = { ...request, ...count, hvp: "fd", kinks: "moving" };
  const found = await endsOf(context, "moving", plain);
  return {
    eigenvalues: [frozen.eigenvalue, found.eigenvalue],
    top: frozen.top,
    bottoms: [frozen.bottom, found.bottom],
  };
}

async function endsOf(context: StepContext, of: Branches, request: EigenRequest) {
  const { info, vectors } = await eigenStep(context, request, null);
  const [top, bottom] = vectors.map((vector) => ({ id: `sha256:${vectorHash(vector)}`, vector }));
  const { value, residual } = info.pairs.at(-1) as Eigenpair;
  return {
    eigenvalue: { of, value, residual },
    top: top as Direction,
    bottom: { of, direction: bottom as Direction },
  };
}

function gainOf(loss: number, decrease: number): number | null {
  return loss > 0 ? decrease / loss : null;
}

function searchedText({ along, gain, loss }: Searched): string {
  return `${along} ${gain === null ? numberText(loss, 4) : `−${percentText(gain, 3)}`}`;
}
