const minus = "\u2212";

/**
 * A number for reading: `digits` significant digits, a true minus sign, and powers of ten below 1e−3
 * and from 1e5 on.
 */
export function numberText(value: number, digits: number = 4): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${minus}∞`;
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  const written = size < 1e-3 || size >= 1e5 ? scientific(rounded, digits - 1) : String(rounded);
  return withMinus(written);
}

/** `value ± error`: the error to one or two digits, the value to the same place. */
export function withError(value: number, error: number): string {
  const { value: v, error: e } = roundTogether(value, error);
  return e === "" ? v : `${v} ± ${e}`;
}

/** The value alone, rounded to the place that its error allows. */
export function roundedTo(value: number, error: number): string {
  return roundTogether(value, error).value;
}

/** An error by itself, to one digit, or two when the first is a 1. */
export function errorText(error: number): string {
  return numberText(error, errorDigits(error));
}

/** A fraction as a percentage: 0.0312 → "3.1 %". */
export function percentText(fraction: number, digits: number = 2): string {
  return `${numberText(100 * fraction, digits)} %`;
}

/** Whole numbers with a comma between thousands. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `1 product`, `2 products`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Behind an eigenvalue: `, at least 10-fold`; nothing where one copy is known. */
export function foldText(multiplicity: number | undefined): string {
  return multiplicity !== undefined && multiplicity > 1 ? `, at least ${countText(multiplicity)}-fold` : "";
}

/** Seconds as people say them: "4 s", "6 min", "1 h 20 min". */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "an unknown time";
  if (seconds < 1) return "1 s";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

function roundTogether(value: number, error: number): { value: string; error: string } {
  if (!Number.isFinite(value) || !Number.isFinite(error) || error <= 0) {
    return { value: numberText(value), error: "" };
  }
  const place = decimalPlace(error) - (errorDigits(error) - 1);
  const size = Math.abs(value);
  // An error larger than its value is what the reader must see: then the error sets the power of ten.
  const scale = Math.max(size, error);
  if (scale >= 1e-3 && scale < 1e5 && place >= -8) {
    const decimals = Math.max(0, -place);
    const unit = 10 ** Math.max(0, place);
    const fixed = (x: number) => withMinus(trimNegativeZero((Math.round(x / unit) * unit).toFixed(decimals)));
    const show = place > 0 ? fixed : (x: number) => withMinus(trimNegativeZero(x.toFixed(decimals)));
    return { value: show(value), error: show(error) };
  }
  const power = decimalPlace(scale);
  const decimals = Math.min(15, Math.max(0, power - place));
  const show = (x: number) => {
    const mantissa = trimNegativeZero((x / 10 ** power).toFixed(decimals));
    return Number(mantissa) === 0 ? "0" : withMinus(`${mantissa}e${power}`);
  };
  return { value: show(value), error: show(error) };
}

/** One digit; two when the first digit is 1, where one would be off by up to half. */
function errorDigits(error: number): 1 | 2 {
  return error.toExponential(1).startsWith("1") ? 2 : 1;
}

function decimalPlace(x: number): number {
  return x === 0 || !Number.isFinite(x) ? 0 : Number(x.toExponential(0).split("e")[1]);
}

function scientific(x: number, decimals: number): string {
  const [mantissa, exponent] = x.toExponential(Math.max(0, decimals)).split("e") as [string, string];
  return `${mantissa.replace(/\.?0+$/, "")}e${Number(exponent)}`;
}

function withMinus(written: string): string {
  return written.replaceAll("-", minus);
}

function trimNegativeZero(written: string): string {
  return /^-0(\.0*)?$/.test(written) ? written.slice(1) : written;
}
