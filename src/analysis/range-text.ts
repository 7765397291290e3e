import type { ChosenRange } from "../landscape/index.ts";
import { numberText, percentText } from "./number-text.ts";

/** How a range was chosen, in words; `names` are those of its axes, in order. */
export function rangeText(chosen: ChosenRange, names: readonly string[], thetaNorm: number): string {
  const { extents, lowest, loss, least, rise } = chosen;
  const reach = extents.map((e, i) => `${names[i]} from ${numberText(e.from, 2)} to ${numberText(e.to, 2)}`);
  const extent = reach.join(", ");
  if (rise === 0) {
    const why = Number.isFinite(loss) ? "the loss is 0 all around" : "the loss is not finite at θ₀";
    return `${extent}, a tenth of ‖θ‖: ${why}`;
  }
  const height = loss === 0 ? numberText(rise, 2) : `${percentText(rise / Math.abs(loss), 3)} of |L(0)|`;
  const from =
    least < loss
      ? `from the lowest point found, ${pointText(lowest)} with loss ${numberText(least, 3)}, `
      : "from θ₀, since nothing near lies 1 % lower, ";
  const to = `to where the loss lies ${height} above L(0)`;
  return `${extent}: ${from}${to}${exceptions(chosen, names, thetaNorm)}`;
}

/** Where the walk along an axis did not end with the rise. */
function exceptions({ ends }: ChosenRange, names: readonly string[], thetaNorm: number): string {
  const texts = ends.map((sides, i) => {
    if (sides.includes("fallen")) return `; along ${names[i]} it falls by twice that much instead`;
    if (sides.includes("limit"))
      return `; along ${names[i]} it does not rise so far within ${numberText(2 * thetaNorm, 2)} = 2‖θ‖`;
    return "";
  });
  return texts.join("");
}

function pointText(at: readonly number[]): string {
  const text = at.map((c) => numberText(c, 2)).join(", ");
  return at.length === 1 ? `at ${text}` : `at (${text})`;
}
