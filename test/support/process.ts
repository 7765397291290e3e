import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";

/** The program as it is installed: built by `npm ci`. Tests that start it cannot run without. */
export const program: string = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Starts a command line in a process of its own; `stdout` may be an open file. */
export function start(
  args: readonly string[],
  stdout: "pipe" | number = "pipe",
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", stdout, "pipe"] });
  const written = { out: "", err: "" };
  child.stdout?.on("data", (chunk: Buffer) => {
    written.out += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    written.err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (status, signal) => resolve({ status, signal, ...written }));
  });
  return { child, ended };
}

/** Finished pieces in a run folder. */
export const linesOf = (out: string): number => {
  const path = join(out, "journal.ndjson");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
};

/** Waits until `happened`, looking often. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What may not differ between two equal runs. */
export function numbers(out: string): Omit<AnalysisReport, "cost" | "provenance"> {
  const { cost: _, provenance: __, ...rest } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
  return rest;
}
