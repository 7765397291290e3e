import type { CostInfo } from "./analysis-report.ts";
import type { PhasePlan, Progress } from "./progress.ts";

/** Passes progress on and keeps each phase's time and the number of its pieces that were computed, for the report's cost. */
export class PhaseTimer implements Progress {
  private readonly inner: Progress;
  private readonly began = performance.now();
  private readonly done: { name: string; seconds: number; units: number }[] = [];
  private current: { name: string; started: number; units: number } | undefined;

  constructor(inner: Progress) {
    this.inner = inner;
  }

  seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  phases(): CostInfo["phases"] {
    return this.done;
  }

  plan(phases: readonly PhasePlan[]): void {
    this.inner.plan(phases);
  }

  start(name: string): void {
    this.current = { name, started: performance.now(), units: 0 };
    this.inner.start(name);
  }

  expect(units: number, cost: number): void {
    this.inner.expect(units, cost);
  }

  tick(cost: number, fresh: boolean): void {
    if (this.current && fresh) this.current.units++;
    this.inner.tick(cost, fresh);
  }

  finish(estimates: string): void {
    if (this.current) {
      const { name, started, units } = this.current;
      this.done.push({ name, seconds: (performance.now() - started) / 1000, units });
    }
    this.current = undefined;
    this.inner.finish(estimates);
  }

  close(): void {
    this.inner.close();
  }
}
