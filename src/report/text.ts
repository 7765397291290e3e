import { numberText, percentText, withError } from "../analysis/number-text.ts";

/** What stands where there is no number. */
export const none = "–";

/** A number, or a dash where there is none. */
export function valueText(value: number | null | undefined, digits = 4): string {
  return isNumber(value) ? numberText(value, digits) : none;
}

/** A fraction in %, or a dash. */
export function shareText(fraction: number | null | undefined, digits = 2): string {
  return isNumber(fraction) ? percentText(fraction, digits) : none;
}

/** `value ± error`, or what there is of it. */
export function measuredText(value: number | null | undefined, error: number | null | undefined): string {
  if (!isNumber(value)) return none;
  return isNumber(error) && error > 0 ? withError(value, error) : numberText(value);
}

/** Keeps a number and its unit or error on one line. */
export function keepTogether(text: string): string {
  return text
    .replaceAll(" %", "\u00a0%")
    .replaceAll(" ± ", "\u00a0±\u00a0")
    .replaceAll("ñ = ", "ñ\u00a0=\u00a0")
    .replaceAll("tr H", "tr\u00a0H");
}

export function isNumber(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
