import type { HvpMethod } from "../objective/types.ts";

/** One stretch of work, as announced before anything is computed. */
export interface PhasePlan {
  readonly name: string;
  /** Pieces of work; an upper bound where it depends on convergence. */
  readonly units: number;
  /** Cost of all pieces together, in loss evaluations of one sample. */
  readonly cost: number;
}

/** Who is told how the work goes. Every call is cheap and none throws. */
export interface Progress {
  /** Announces all phases, in order. */
  plan(phases: readonly PhasePlan[]): void;
  start(name: string): void;
  /** Changes what is expected of the running phase. */
  expect(units: number, cost: number): void;
  /** A piece is done; `fresh` is false when it was taken from the journal. */
  tick(cost: number, fresh: boolean): void;
  /** The running phase is done; `estimates` are its results in a few words. */
  finish(estimates: string): void;
  close(): void;
}

export const silentProgress: Progress = {
  plan() {},
  start() {},
  expect() {},
  tick() {},
  finish() {},
  close() {},
};

/** What one evaluation, gradient or product costs per sample, as multiples of the loss's (measured on ResNets). */
export const relativeCost: Readonly<Record<"evaluate" | "gradient" | HvpMethod, number>> = {
  evaluate: 1,
  gradient: 5,
  fd: 11,
  exact: 14,
  ggn: 14,
  fisher: 14,
};

/** Phases named after what they belong to: a checkpoint or a network. */
export function prefixed(inner: Progress, prefix: string): Progress {
  return {
    plan: (phases) => inner.plan(phases.map((phase) => ({ ...phase, name: `${prefix}${phase.name}` }))),
    start: (name) => inner.start(`${prefix}${name}`),
    expect: (units, cost) => inner.expect(units, cost),
    tick: (cost, fresh) => inner.tick(cost, fresh),
    finish: (estimates) => inner.finish(estimates),
    close: () => inner.close(),
  };
}
