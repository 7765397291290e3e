import { LandscapeError } from "../errors.ts";
import type { Rise } from "../landscape/index.ts";

export type Group = "Model and data:" | "What:" | "Where:" | "Output:";

/** One option of the command line: how it is explained, read and left out. */
export interface Option<T> {
  readonly group: Group;
  /** One sentence; begins with the form of the value where there is one. */
  readonly describe: string;
  readonly fallback: T;
  /** A flag takes no value; every other option takes exactly one. */
  readonly flag: boolean;
  /** May be given several times. */
  readonly repeat: boolean;
  /** Shown by `--help` only, not by `-h`. */
  readonly advanced: boolean;
  /** Reads the values as typed; throws a sentence about what was expected. */
  read(texts: readonly string[]): T;
}

/** Keys are camelCase; on the command line they are written in kebab-case. */
export type OptionTable<T> = { readonly [K in keyof T]-?: Option<T[K]> };

interface Meta<T> {
  readonly group: Group;
  readonly describe: string;
  readonly fallback: T;
  readonly advanced?: boolean;
}

function valued<T>(meta: Meta<T>, read: (text: string) => T): Option<T> {
  return {
    advanced: false,
    ...meta,
    flag: false,
    repeat: false,
    read: (texts) => read(texts[0] ?? ""),
  };
}

class Expected extends Error {}

/** Says that the text is not what the option takes. */
function expected(what: string): never {
  throw new Expected(what);
}

export function flag(group: Group, describe: string, advanced: boolean = false): Option<boolean> {
  return { group, describe, advanced, fallback: false, flag: true, repeat: false, read: () => true };
}

export function text<T extends string | null>(meta: Meta<T>): Option<T | string> {
  return valued<T | string>(meta, (t) => (t === "" ? expected("a value that is not empty") : t));
}

export function texts(meta: Omit<Meta<readonly string[]>, "fallback">): Option<readonly string[]> {
  return {
    advanced: false,
    ...meta,
    fallback: [],
    flag: false,
    repeat: true,
    read: (all) => (all.some((t) => t === "") ? expected("a value that is not empty") : all),
  };
}

/** Names separated by commas; left out, all. */
export function names(meta: Omit<Meta<null>, "fallback">): Option<readonly string[] | null> {
  return valued<readonly string[] | null>({ ...meta, fallback: null }, (t) => {
    const all = t.split(",").map((name) => name.trim());
    return all.includes("") ? expected("names separated by commas") : all;
  });
}

export function choice<T extends string>(meta: Meta<T>, choices: readonly T[]): Option<T> {
  return valued<T>(meta, (t) => choices.find((c) => c === t) ?? expected(choices.join(", ")));
}

export function integer<T extends number | null>(
  meta: Meta<T>,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): Option<T | number> {
  const what =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`;
  return valued<T | number>(meta, (t) => {
    const n = /^[+-]?\d+$/.test(t) ? Number(t) : Number.NaN;
    return Number.isSafeInteger(n) && n >= least && n <= most ? n : expected(what);
  });
}

/** An odd whole number: then the middle of an axis is one of its points. */
export function oddInteger(meta: Meta<number>, least: number, most: number): Option<number> {
  const any = integer<number>(meta, least, most);
  return {
    ...any,
    read: (all) => {
      const n = any.read(all);
      return n % 2 === 1 ? n : expected(`an odd number from ${least} to ${most}`);
    },
  };
}

/** A finite number above 0, and at most `most`. */
export function positive<T extends number | null>(
  meta: Meta<T>,
  most: number = Infinity,
): Option<T | number> {
  const what = most === Infinity ? "a number above 0" : `a number above 0 and at most ${most}`;
  return valued<T | number>(meta, (t) => {
    const n = readNumber(t);
    return n !== undefined && n > 0 && n <= most ? n : expected(what);
  });
}

/** A number from 0 to 1. */
export function fraction(meta: Meta<number>): Option<number> {
  return valued<number>(meta, (t) => {
    const n = readNumber(t);
    return n !== undefined && n >= 0 && n <= 1 ? n : expected("a number from 0 to 1");
  });
}

/** A memory size: `800000000`, `2GB`, `512MiB`. */
export function bytes<T extends number | null>(meta: Meta<T>): Option<T | number> {
  const units: Readonly<Record<string, number>> = {
    "": 1,
    k: 1e3,
    m: 1e6,
    g: 1e9,
    ki: 2 ** 10,
    mi: 2 ** 20,
    gi: 2 ** 30,
  };
  return valued<T | number>(meta, (t) => {
    const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(t);
    const size = match ? Math.floor(Number(match[1]) * units[(match[2] ?? "").toLowerCase()]!) : Number.NaN;
    return size >= 1 && Number.isSafeInteger(size) ? size : expected("a size such as 2GB or 512MiB");
  });
}

/** `count` points from `from` to `to`, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A grid this wide already takes hours; more is a slip of the pen. */
const maxPoints = 10_001;

/** How far ranges go that the program chooses: to where the loss has risen by that many times its size. */
export function rise(meta: Omit<Meta<"auto">, "fallback">): Option<Rise> {
  return valued<Rise>({ ...meta, fallback: "auto" }, (t) => readRise(t) ?? expected(riseForm));
}

const riseForm = "auto, or a number above 0";

function readRise(t: string): Rise | undefined {
  const n = t === "auto" ? t : readNumber(t);
  return n === "auto" || (n !== undefined && n > 0) ? n : undefined;
}

/** A rise, or the range itself. */
export function rangeOrRise(meta: Omit<Meta<"auto">, "fallback">): Option<Range | Rise> {
  return valued<Range | Rise>(
    { ...meta, fallback: "auto" },
    (t) => readRise(t) ?? readRange(t) ?? expected(`${riseForm}, or ${rangeForm}`),
  );
}

/** `auto` is null: the program chooses. */
export function range(meta: Omit<Meta<null>, "fallback">): Option<Range | null> {
  return valued<Range | null>({ ...meta, fallback: null }, (t) =>
    t === "auto" ? null : (readRange(t) ?? expected(`auto, or ${rangeForm}`)),
  );
}

const rangeForm = `FROM:TO:COUNT with FROM below TO and COUNT from 2 to ${maxPoints}, such as -1:1:31`;

function readRange(t: string): Range | undefined {
  const parts = t.split(":");
  const [from, to] = parts.slice(0, 2).map(readNumber);
  const count = /^\d+$/.test(parts[2] ?? "") ? Number(parts[2]) : Number.NaN;
  const ok = parts.length === 3 && from !== undefined && to !== undefined && from < to;
  return ok && count >= 2 && count <= maxPoints ? { from, to, count } : undefined;
}

/** A decimal number as people write it; not the hexadecimal, empty or infinite ones that `Number` takes too. */
function readNumber(t: string): number | undefined {
  const n = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(t) ? Number(t) : Number.NaN;
  return Number.isFinite(n) ? n : undefined;
}

/** camelCase → kebab-case. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
}

/** Every option of a table at what it is when it is not given. */
export function optionDefaults<T>(table: OptionTable<T>): T {
  return readOptions(table, {});
}

/** Reads all options of a table from what yargs found; `given` maps kebab-case names to values. */
export function readOptions<T>(table: OptionTable<T>, given: Readonly<Record<string, unknown>>): T {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table) as [string, Option<unknown>][]) {
    const name = optionName(key);
    values[key] = readOption(name, option, given[name]);
  }
  return values as T;
}

function readOption(name: string, option: Option<unknown>, given: unknown): unknown {
  if (given === undefined || (option.flag && given === false)) return option.fallback;
  const all = Array.isArray(given) ? given : [given];
  if (all.length > 1 && !option.repeat && !option.flag) {
    throw new LandscapeError("INVALID_OPTION", `--${name} is given ${all.length} times; expected once`, {
      option: name,
    });
  }
  const typed = all.map(String);
  try {
    return option.read(typed);
  } catch (error) {
    if (!(error instanceof Expected)) throw error;
    const got = typed.map((t) => JSON.stringify(t)).join(", ");
    throw new LandscapeError("INVALID_OPTION", `invalid --${name}: ${got}; expected ${error.message}`, {
      option: name,
    });
  }
}
