import { main } from "../../src/cli.ts";
import { captureIo } from "./capture-io.ts";

export interface CommandResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function run(args: readonly string[]): Promise<CommandResult> {
  const captured = captureIo();
  const status = await main(args, captured.io);
  return { status, out: captured.out(), err: captured.err() };
}

/** The object that a command prints with --json; throws what it says where it fails. */
export async function runJson(args: readonly string[]): Promise<Record<string, unknown>> {
  const { status, out, err } = await run([...args, "--json"]);
  if (status !== 0) throw new Error(`exit status ${status}: ${err}`);
  return JSON.parse(out) as Record<string, unknown>;
}
