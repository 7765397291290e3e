import { LandscapeError } from "../errors.ts";

/** A toy loss of Böttcher & Wheeler (2024), section 2: L = ½θ_{2n+1}(Σ_{i ≤ ñ} θᵢ² − Σ_{ñ < i ≤ 2n} θᵢ²). */
export interface Toy {
  readonly n: number;
  /** ñ, squares with a plus: n for T1. */
  readonly tilde: number;
}

const PREFIX = "toy:";
const DEFAULT_N = 500;
const MOST_N = 1_000_000;
/** Of T2, in n: 800 of 1000 curvatures are positive, and no random plane shows the saddle. */
const DEFAULT_SHARE = 1.6;

/** Whether a MODEL names a toy loss rather than a file. */
export function isToy(address: string): boolean {
  return address.startsWith(PREFIX);
}

/** Reads `toy:T1`, `toy:T1,n=50`, `toy:T2,n=500,tilde=510`. */
export function parseToy(address: string): Toy {
  const [kind, ...settings] = address.slice(PREFIX.length).split(",");
  const numbers = new Map(settings.map((s) => readSetting(s, address)));
  if (numbers.size < settings.length) throw invalid(address, "a setting is given twice");
  if (kind !== "T1" && kind !== "T2") throw invalid(address, `there is no toy "${kind}"`);
  if (kind === "T1" && numbers.has("tilde")) throw invalid(address, "T1 has no ñ, only n");
  const n = numbers.get("n") ?? DEFAULT_N;
  if (n < 1 || n > MOST_N) throw invalid(address, `n must be from 1 to ${MOST_N}`);
  const tilde = kind === "T1" ? n : (numbers.get("tilde") ?? Math.round(DEFAULT_SHARE * n));
  if (tilde < 1 || tilde >= 2 * n) throw invalid(address, `ñ must be from 1 to 2n − 1 = ${2 * n - 1}`);
  return { n, tilde };
}

function readSetting(setting: string, address: string): [string, number] {
  const match = /^(n|tilde)=(\d{1,9})$/.exec(setting);
  if (match === null) throw invalid(address, `"${setting}" is not understood`);
  return [match[1] as string, Number(match[2])];
}

function invalid(address: string, why: string): LandscapeError {
  return new LandscapeError(
    "INVALID_OPTION",
    `invalid toy loss: ${JSON.stringify(address)}; ${why}. Expected toy:T1, toy:T1,n=500 or toy:T2,n=500,tilde=510`,
    { model: address },
  );
}
