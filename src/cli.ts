#!/usr/bin/env node
import { realpathSync } from "node:fs";
import process from "node:process";
import type { WriteStream } from "node:tty";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { type Progress, silentProgress } from "./analysis/progress.ts";
import { parseCommandLine } from "./commands/command-line.ts";
import { commands } from "./commands/index.ts";
import type { Io, Output } from "./commands/io.ts";
import { ProgressReporter } from "./commands/progress.ts";
import { version } from "./commands/version.ts";
import { asLandscapeError, exitStatus, LandscapeError } from "./errors.ts";
import { whyNotWritten } from "./write-failure.ts";

/** Runs one command line and gives its exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes("--json");
  const silent = json || argv.includes("--quiet");
  const progress: Progress = silent ? silentProgress : new ProgressReporter(io.stderr);
  try {
    const request = parseCommandLine(argv, commands, await version());
    if (request.kind === "print") {
      io.stdout.write(request.text);
      return 0;
    }
    const run = request.command.prepare(request.models, request.given);
    const warn = (line: string) => {
      if (!silent) io.stderr.write(`${line}\n`);
    };
    const outcome = await run({ io, progress, argv, warn });
    progress.close();
    const text = json ? JSON.stringify(outcome.json) : outcome.lines.join("\n");
    io.stdout.write(`${text}\n`);
    return 0;
  } catch (error) {
    progress.close();
    return explain(error, argv, io, json);
  }
}

/** One sentence on stderr; with --json the same as an object on stdout; the stack only with --debug. */
function explain(error: unknown, argv: readonly string[], io: Io, json: boolean): number {
  const known = io.signal.aborted ? interrupted(error) : asLandscapeError(error);
  io.stderr.write(`${known.code === "INTERRUPTED" ? "" : "error: "}${known.message}\n`);
  if (argv.includes("--debug"))
    io.stderr.write(`${error instanceof Error ? stacks(error) : String(error)}\n`);
  if (json) {
    const { code, message, details } = known;
    io.stdout.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
  }
  return exitStatus(known);
}

/** Whatever an interrupt made fail, failed because of it. */
function interrupted(cause: unknown): LandscapeError {
  const message =
    "interrupted; what was finished is kept if there is a run folder, and the same command continues";
  return new LandscapeError("INTERRUPTED", message, {}, { cause });
}

function stacks(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stacks(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

function outputOf(stream: WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY === true,
    color: stream.isTTY === true && styleText("red", "x", { stream }) !== "x",
    // Terminals that do not know their width say 0.
    columns: stream.columns || 80,
  };
}

/** The only place that touches the process: its streams, signals and exit status. */
async function runAsProgram(): Promise<void> {
  const interrupt = new AbortController();
  process.on("SIGINT", () => {
    if (interrupt.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping after this point; again to quit now. The same command continues.\n");
    interrupt.abort();
  });
  // Who reads us (head, less) may have seen enough.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      // What was found cannot be told where it was asked for; a full disk behind a redirection, mostly.
      if (stream === process.stdout)
        process.stderr.write(`error: cannot write the output: ${whyNotWritten(error)}\n`);
      process.exit(1);
    });
  }
  process.exitCode = await main(process.argv.slice(2), {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    signal: interrupt.signal,
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await runAsProgram();
