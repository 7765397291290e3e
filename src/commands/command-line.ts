import yargs, { type Argv, type Options } from "yargs";
import { LandscapeError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Command } from "./command.ts";
import { type Option, optionName } from "./options.ts";
import { suggestOption } from "./suggest-option.ts";

/** What the words on the command line ask for. */
export type Request =
  | { readonly kind: "print"; readonly text: string }
  | {
      readonly kind: "run";
      readonly command: Command;
      /** None for a command without a model. */
      readonly models: readonly string[];
      readonly given: Readonly<Record<string, unknown>>;
    };

const program = "onnx-landscape";

/** Reads the command line. Throws INVALID_OPTION with the fix in the sentence. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  version: string,
): Request {
  let print = "";
  let failure: Error | undefined;
  let args: Record<string, unknown> = {};
  buildParser(argv, commands, version).parse(
    [...argv],
    {},
    (error: Error | undefined, parsed: Record<string, unknown>, output: string) => {
      failure = error;
      args = parsed;
      print = output;
    },
  );
  if (failure) throw missingValue(failure);
  if (print !== "") return { kind: "print", text: `${print}\n` };
  return resolveRequest(args, commands);
}

function buildParser(argv: readonly string[], commands: readonly Command[], version: string): Argv {
  const parser = yargs()
    .scriptName(program)
    .usage(
      `$0 COMMAND MODEL [options]\n\nWhat kind of point did training end at? ONNX checkpoint in, one HTML report out.`,
    )
    .locale("en")
    .wrap(80)
    .exitProcess(false)
    .help("help")
    .alias("help", "h")
    .describe("help", "-h: the usual options; --help: all")
    .version(version)
    .completion("completion", "print a script that completes commands and options in a shell")
    .parserConfiguration({
      "camel-case-expansion": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "dot-notation": false,
      "boolean-negation": false,
      "duplicate-arguments-array": true,
    })
    .epilogue(`"${program} COMMAND --help" explains one command.`);
  const all = argv.includes("--help");
  for (const command of commands) addCommand(parser, command, all);
  return parser;
}

function addCommand(parser: Argv, command: Command, showAll: boolean): void {
  const models = command.takesMore ? " MODEL MODEL…" : command.takesModel ? " MODEL" : "";
  const usage = `$0 ${command.name}${models} [options]`;
  parser.command(
    command.takesModel ? `${command.name} [model]` : command.name,
    command.purpose,
    (y) => {
      y.usage(`${usage}\n\n${command.purpose}`);
      if (command.takesModel)
        y.positional("model", {
          describe:
            "an .onnx file, a training-artifacts folder, or a toy loss: toy:T1, toy:T2,n=500,tilde=510",
        });
      for (const [key, option] of Object.entries(command.options)) {
        y.option(optionName(key), yargsOption(option, showAll));
      }
      const examples = command.examples.map((e) => `  ${program} ${e}`).join("\n");
      const more = showAll ? "" : `\n\nMore options: ${program} ${command.name} --help`;
      return y.epilogue(`Examples:\n${examples}${more}`);
    },
    () => {},
  );
}

function yargsOption(option: Option<unknown>, showAll: boolean): Options {
  return {
    group: option.group,
    describe: option.describe,
    hidden: option.advanced && !showAll,
    ...(option.flag ? { boolean: true } : { nargs: 1, requiresArg: true }),
  };
}

function missingValue(failure: Error): LandscapeError {
  const match = /Not enough arguments following: (\S+)/.exec(failure.message);
  const message = match
    ? `missing value of --${match[1]}; expected one after it`
    : `cannot read the command line: ${failure.message}`;
  return new LandscapeError("INVALID_OPTION", message, match ? { option: match[1] } : {});
}

function resolveRequest(args: Readonly<Record<string, unknown>>, commands: readonly Command[]): Request {
  const words = (args["_"] as unknown[]).map(String);
  const command = resolveCommand(words[0], commands);
  const names = Object.keys(command.options).map(optionName);
  for (const key of Object.keys(args)) {
    if (key !== "_" && key !== "$0" && key !== "model" && !names.includes(key))
      throw unknownOption(key, names, command.name);
  }
  if (words.length > 1 && !command.takesMore) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `unexpected word: ${JSON.stringify(words[1])}; expected ${command.takesModel ? "one MODEL" : "no MODEL"} and options`,
    );
  }
  const models = [...resolveModel(command, args["model"]), ...words.slice(1)];
  return { kind: "run", command, models, given: args };
}

function resolveCommand(name: string | undefined, commands: readonly Command[]): Command {
  const names = commands.map((c) => c.name);
  const list = names.join(", ");
  if (name === undefined) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `no command given; expected one of ${list}. see "${program} --help"`,
    );
  }
  const found = commands.find((c) => c.name === name);
  if (found) return found;
  if (/\.onnx$/i.test(name)) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `no command given before ${JSON.stringify(name)}; did you mean "report ${name}"?`,
    );
  }
  const meant = nearest(name, names);
  const hint = meant ? `did you mean "${meant}"?` : `expected one of ${list}`;
  throw new LandscapeError("INVALID_OPTION", `unknown command: ${JSON.stringify(name)}; ${hint}`, {
    command: name,
  });
}

function resolveModel(command: Command, model: unknown): string[] {
  if (!command.takesModel) return [];
  // The word is the positional's; as an option (`--model F`) it means the same and does no harm.
  if (typeof model === "string" && model !== "") return [model];
  if (Array.isArray(model)) {
    throw new LandscapeError("INVALID_OPTION", `two models given: ${model.join(", ")}; expected one`);
  }
  throw new LandscapeError(
    "INVALID_OPTION",
    `no model given; expected "${program} ${command.name} MODEL [options]"`,
  );
}

function unknownOption(key: string, names: readonly string[], command: string): LandscapeError {
  const dashes = key.length === 1 ? "-" : "--";
  return new LandscapeError(
    "INVALID_OPTION",
    `unknown option: ${dashes}${key}; ${optionHint(key, names, command)}`,
    { option: key },
  );
}

function optionHint(key: string, names: readonly string[], command: string): string {
  if (key === "n" || key === "tilde") return "a toy's sizes are part of its name: toy:T2,n=500,tilde=510";
  const meant = suggestOption(key, names);
  if (meant) return `did you mean --${meant}?`;
  return names.length <= FEW
    ? `expected one of ${names.map((n) => `--${n}`).join(", ")}`
    : `see "${program} ${command} --help"`;
}

/** More names than these are no help in one sentence. */
const FEW = 12;
