import { styleText } from "node:util";
import { countText, durationText, numberText } from "../analysis/number-text.ts";
import type { PhasePlan, Progress } from "../analysis/progress.ts";
import type { Output } from "./io.ts";

/** Time and timers, so that tests can set the clock. Milliseconds. */
export interface Clock {
  now(): number;
  /** Calls back after a while unless cancelled; does not keep the process alive. */
  after(milliseconds: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

const barAfter = 500;
const redrawEvery = 100;
const lineEvery = 30_000;
const rateWindow = 10_000;

interface Phase {
  readonly name: string;
  units: number;
  cost: number;
  doneUnits: number;
  doneCost: number;
  started: number;
}

/**
 * Progress on stderr: on a terminal a bar for the running phase, elsewhere a line now and then; one
 * standing line for each finished phase. The time left is that of all phases, from this run's own work.
 */
export class ProgressReporter implements Progress {
  private readonly out: Output;
  private readonly clock: Clock;
  private readonly began: number;
  private phases: Phase[] = [];
  private current: Phase | undefined;
  private freshCost = 0;
  private freshSeconds = 0;
  private recent: { time: number; units: number }[] = [];
  private lastDraw: number;
  private drawn = false;
  private cancel: (() => void) | undefined;
  private lastTick: number;

  constructor(out: Output, clock: Clock = systemClock) {
    this.out = out;
    this.clock = clock;
    this.began = clock.now();
    this.lastDraw = this.began;
    this.lastTick = this.began;
  }

  plan(phases: readonly PhasePlan[]): void {
    this.phases = phases.map((p) => ({ ...p, doneUnits: 0, doneCost: 0, started: 0 }));
  }

  start(name: string): void {
    const now = this.clock.now();
    let phase = this.phases.find((p) => p.name === name);
    if (!phase) {
      phase = { name, units: 0, cost: 0, doneUnits: 0, doneCost: 0, started: now };
      this.phases.push(phase);
    }
    phase.started = now;
    this.current = phase;
    this.recent = [{ time: now, units: 0 }];
    this.lastTick = now;
    this.schedule();
  }

  expect(units: number, cost: number): void {
    if (this.current) Object.assign(this.current, { units, cost });
  }

  tick(cost: number, fresh: boolean): void {
    const phase = this.current;
    if (!phase) return;
    const now = this.clock.now();
    phase.doneUnits++;
    phase.doneCost += cost;
    if (fresh) {
      this.freshCost += cost;
      this.freshSeconds += (now - this.lastTick) / 1000;
      this.recent.push({ time: now, units: phase.doneUnits });
    } else {
      // What the journal held says nothing about how fast this run is.
      this.recent = [{ time: now, units: phase.doneUnits }];
    }
    this.lastTick = now;
    while (this.recent.length > 2 && now - (this.recent[1]?.time ?? now) > rateWindow) this.recent.shift();
    this.refresh();
  }

  finish(estimates: string): void {
    const phase = this.current;
    if (!phase) return;
    const seconds = (this.clock.now() - phase.started) / 1000;
    this.clear();
    this.current = undefined;
    // A phase that converged early leaves nothing behind.
    phase.cost = phase.doneCost;
    const mark = this.style("green", "✔");
    this.out.write(
      `${mark} ${phase.name.padEnd(12)} ${durationText(seconds).padEnd(8)} ${estimates}\n`.replace(
        / +\n$/,
        "\n",
      ),
    );
    this.lastDraw = this.clock.now();
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.clear();
    this.current = undefined;
  }

  /** The bar moves by itself too: a slow unit must not look like a hung program. */
  private schedule(): void {
    this.cancel?.();
    this.cancel = this.clock.after(this.out.isTTY ? 1000 : lineEvery, () => {
      if (!this.current) return;
      this.refresh();
      this.schedule();
    });
  }

  private refresh(): void {
    const phase = this.current;
    if (!phase) return;
    const now = this.clock.now();
    if (this.out.isTTY) {
      if (now - this.began < barAfter || now - this.lastDraw < redrawEvery) return;
      this.out.write(`\r\u001b[2K${this.line(phase)}`);
      this.drawn = true;
    } else {
      if (now - this.lastDraw < lineEvery) return;
      this.out.write(`${this.line(phase)}\n`);
    }
    this.lastDraw = now;
  }

  private clear(): void {
    if (this.drawn) this.out.write("\r\u001b[2K");
    this.drawn = false;
  }

  private line(phase: Phase): string {
    const count =
      phase.units > 0
        ? `${countText(phase.doneUnits)}/${countText(phase.units)}`
        : countText(phase.doneUnits);
    const parts = [phase.name.padEnd(12), count.padEnd(11)];
    const rate = this.rate();
    if (rate !== undefined) parts.push(rateText(rate));
    const left = this.secondsLeft();
    if (left !== undefined) parts.push(`about ${durationText(left)} left`);
    const written = parts.join("  ");
    const fits = this.out.isTTY ? written.slice(0, Math.max(0, this.out.columns - 3)) : written;
    return `${this.style("cyan", "▸")} ${fits}`;
  }

  /** Units per second of the last few seconds. */
  private rate(): number | undefined {
    const [first] = this.recent;
    const last = this.recent.at(-1);
    if (!first || !last || last.units === first.units) return undefined;
    const seconds = (last.time - first.time) / 1000;
    return seconds > 0 ? (last.units - first.units) / seconds : undefined;
  }

  /** Mean speed of this run's own work over everything that is left, in all phases. */
  private secondsLeft(): number | undefined {
    if (this.freshCost === 0) return undefined;
    const left = this.phases.reduce((sum, p) => sum + Math.max(0, p.cost - p.doneCost), 0);
    return (left * this.freshSeconds) / this.freshCost;
  }

  private style(color: "green" | "cyan", text: string): string {
    return this.out.color ? styleText(color, text, { validateStream: false }) : text;
  }
}

/** Below one a second: seconds per unit. */
function rateText(perSecond: number): string {
  return perSecond >= 1 ? `${numberText(perSecond, 2)}/s` : `${numberText(1 / perSecond, 2)} s each`;
}
