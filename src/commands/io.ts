/** What a command sees of the process, so that it can run inside another one and in tests. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by the first interrupt: stop after the piece of work at hand. */
  readonly signal: AbortSignal;
}

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Whether colours are shown (a terminal, and neither NO_COLOR nor TERM=dumb). */
  readonly color: boolean;
  /** Width of a terminal in columns, 80 where there is none. */
  readonly columns: number;
}
