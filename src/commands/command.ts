import type { Progress } from "../analysis/progress.ts";
import type { TalkOptions } from "./groups.ts";
import { talkOptions } from "./groups.ts";
import type { Io } from "./io.ts";
import type { OptionTable } from "./options.ts";
import { readOptions } from "./options.ts";

/** What a command gets besides its options. */
export interface Context {
  readonly io: Io;
  readonly progress: Progress;
  /** The words typed, for the report's "run it again" line. */
  readonly argv: readonly string[];
  /** One line on stderr, silent under --json and --quiet. */
  warn(line: string): void;
}

/** What a command found: the object of --json, and the same for people. */
export interface Outcome {
  readonly json: object;
  readonly lines: readonly string[];
}

/** One command as it is written down, with the type of its options. */
export interface CommandSpec<T> {
  readonly name: string;
  /** One line: what it is for. */
  readonly purpose: string;
  readonly takesModel: boolean;
  /** Whether further models may follow the first. */
  readonly takesMore?: boolean;
  /** Three command lines, without the program's name. */
  readonly examples: readonly string[];
  readonly options: OptionTable<T>;
  run(model: string, options: T & TalkOptions, context: Context, more: readonly string[]): Promise<Outcome>;
}

/** A command with its options' type hidden, so that all fit one list. */
export interface Command {
  readonly name: string;
  readonly purpose: string;
  readonly takesModel: boolean;
  readonly takesMore: boolean;
  readonly examples: readonly string[];
  readonly options: OptionTable<Record<string, unknown>>;
  /** Reads the options (throws on bad ones) and gives what is left to do. */
  prepare(
    models: readonly string[],
    given: Readonly<Record<string, unknown>>,
  ): (context: Context) => Promise<Outcome>;
}

export function defineCommand<T>(spec: CommandSpec<T>): Command {
  const options = { ...spec.options, ...talkOptions } as OptionTable<T & TalkOptions>;
  return {
    name: spec.name,
    purpose: spec.purpose,
    takesModel: spec.takesModel,
    takesMore: spec.takesMore ?? false,
    examples: spec.examples,
    options: options as OptionTable<Record<string, unknown>>,
    prepare: ([model = "", ...more], given) => {
      const values = readOptions(options, given);
      return (context) => spec.run(model, values, context, more);
    },
  };
}
