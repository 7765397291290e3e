import type { Io } from "../../src/commands/io.ts";

export interface CapturedIo {
  readonly io: Io;
  out(): string;
  err(): string;
}

/** The process as a command sees it, with what it writes kept. */
export function captureIo(change: Partial<Io> = {}): CapturedIo {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: false,
    color: false,
    columns: 80,
  });
  const io: Io = {
    stdout: output("stdout"),
    stderr: output("stderr"),
    env: {},
    cwd: ".",
    signal: new AbortController().signal,
    ...change,
  };
  return { io, out: () => written.stdout, err: () => written.stderr };
}
