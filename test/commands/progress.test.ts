import { describe, expect, it } from "vitest";
import type { Output } from "../../src/commands/io.ts";
import { type Clock, ProgressReporter } from "../../src/commands/progress.ts";

class TestClock implements Clock {
  private time = 0;
  private timers: { at: number; call: () => void }[] = [];
  now(): number {
    return this.time;
  }
  after(milliseconds: number, call: () => void): () => void {
    const timer = { at: this.time + milliseconds, call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  }
  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((t) => t !== due);
      this.time = due.at;
      due.call();
    }
    this.time = end;
  }
}

function setUp(isTTY: boolean): { clock: TestClock; reporter: ProgressReporter; text: () => string } {
  const clock = new TestClock();
  let written = "";
  const out: Output = {
    isTTY,
    color: false,
    columns: 60,
    write: (text) => {
      written += text;
    },
  };
  return { clock, reporter: new ProgressReporter(out, clock), text: () => written };
}

const plan = [
  { name: "eigenpairs", units: 10, cost: 100 },
  { name: "planes", units: 100, cost: 100 },
];

describe("on a terminal", () => {
  it("shows nothing before half a second, then at most ten drawings a second", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("planes");
    clock.pass(400);
    reporter.tick(1, true);
    expect(text()).toBe("");
    clock.pass(101);
    for (let i = 0; i < 50; i++) {
      clock.pass(10);
      reporter.tick(1, true);
    }
    const drawings = text().split("\u001b[2K").length - 1;
    expect(drawings).toBeGreaterThanOrEqual(4);
    expect(drawings).toBeLessThanOrEqual(6);
  });

  it("leaves one standing line with the phase's estimates, and nothing of the bar", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("eigenpairs");
    clock.pass(2000);
    reporter.tick(10, true);
    reporter.finish("λ₊ 1937.5 ± 0.2");
    reporter.close();
    const standing = text().split("\r\u001b[2K").at(-1);
    expect(standing).toBe("✔ eigenpairs   2 s      λ₊ 1937.5 ± 0.2\n");
  });

  it("never writes beyond the width", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan([{ name: "a-phase-with-a-very-long-name-for-a-narrow-terminal", units: 1e6, cost: 1e6 }]);
    reporter.start("a-phase-with-a-very-long-name-for-a-narrow-terminal");
    clock.pass(1000);
    reporter.tick(1, true);
    for (const line of text().split(/\r|\n/)) {
      expect(line.replace("\u001b[2K", "").length).toBeLessThan(60);
    }
  });

  it("moves while one piece of work takes long", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("planes");
    clock.pass(3500);
    expect(text().split("\u001b[2K").length - 1).toBe(3);
  });
});

describe("the time left", () => {
  it("counts all phases at the mean speed of this run's own work", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("eigenpairs");
    for (let i = 0; i < 5; i++) {
      clock.pass(2200);
      reporter.tick(10, true);
    }
    clock.pass(1000);
    // 50 of 200 in 11 s: 150 more take 33 s.
    expect(text()).toContain("about 33 s left");
    expect(text()).toContain("2.2 s each");
  });

  it("does not count what came from the journal as speed", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("eigenpairs");
    for (let i = 0; i < 5; i++) reporter.tick(10, false);
    clock.pass(2200);
    reporter.tick(10, true);
    // 10 fresh in 2.2 s; 140 left.
    expect(text()).toContain("about 31 s left");
  });

  it("forgets what a phase did not need after all", () => {
    const { clock, reporter, text } = setUp(true);
    reporter.plan(plan);
    reporter.start("eigenpairs");
    clock.pass(1200);
    reporter.tick(10, true);
    reporter.finish("converged early");
    reporter.start("planes");
    clock.pass(1200);
    reporter.tick(10, true);
    expect(text()).toContain("about 11 s left");
  });
});

describe("where there is no terminal", () => {
  it("writes a plain line every half minute and one for each phase", () => {
    const { clock, reporter, text } = setUp(false);
    reporter.plan(plan);
    reporter.start("planes");
    for (let i = 0; i < 70; i++) {
      clock.pass(1000);
      reporter.tick(1, true);
    }
    reporter.finish("done");
    expect(text()).not.toContain("\u001b");
    expect(text().trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^▸ planes +\d+\/100 +1\/s +about/),
      expect.stringMatching(/^▸ planes/),
      "✔ planes       70 s     done",
    ]);
  });
});
