import { numberText, percentText, withError } from "../number-text.ts";
import type { Finding } from "../trajectory/report.ts";
import type { NetworkRow, ReproductionReport, ToyCase, TraceComparison } from "./report.ts";

type Found = Pick<ReproductionReport, "toys" | "traces" | "table">;

/** What was found, in sentences, beside what the paper reports. */
export function reproductionFindings({ toys, traces, table }: Found): Finding[] {
  return [
    ...toys.flatMap((toy, k) => (k === 0 ? [hiddenFinding(toy)] : [])),
    ...formulaFinding(toys),
    ...traces.map(traceFinding),
    ...table.map(planeFinding),
  ];
}

/** The paper: about 30 % of planes of T1 do not look like a saddle. */
function hiddenFinding(toy: ToyCase): Finding {
  const { name, planes, saddleShare, interval, limit } = toy;
  return {
    id: "hidden",
    text: `${name} is a saddle with as many ways down as up, and yet ${percentText(1 - saddleShare)} of ${planes.length} random planes do not show it (95 % interval ${percentText(1 - interval.high)} to ${percentText(1 - interval.low)}; closed form ${percentText(1 - limit)}; the paper: about 30 %).`,
    evidence: ["toys[0].saddleShare", "toys[0].interval", "toys[0].limit"],
  };
}

function formulaFinding(toys: readonly ToyCase[]): Finding[] {
  if (toys.length < 2) return [];
  const outside = toys.filter((toy) => !limitInside(toy));
  const shares = toys.map((t) => `${percentText(t.saddleShare)} (${t.name})`).join(", ");
  const agrees =
    outside.length === 0
      ? "The closed form lies inside every 95 % interval"
      : `The closed form lies inside ${toys.length - outside.length} of the ${toys.length} intervals of 95 % (not for ${outside.map((t) => t.name).join("; ")})`;
  return [
    {
      id: "saddle-probability",
      text: `The larger the trace, the fewer random planes show the saddle: ${shares}. ${agrees}.`,
      evidence: toys.map((_, k) => `toys[${k}].saddleShare`),
    },
  ];
}

/** Whether the closed form lies in the interval. */
export function limitInside({ limit, interval }: Pick<ToyCase, "limit" | "interval">): boolean {
  return limit >= interval.low && limit <= interval.high;
}

function traceFinding(found: TraceComparison, k: number): Finding {
  const { name, curvature, hutchinson, directions, exact } = found;
  const difference = curvature.value - hutchinson.value;
  const known = exact === null ? "" : `; exactly ${numberText(exact)}`;
  const [a, b] = [curvature, hutchinson].map((e) => withError(e.value, e.standardError));
  return {
    id: `trace-${k}`,
    text: `${name}: the trace from losses alone is ${a}, by Hessian products ${b}, on the same ${directions.length} directions (1 standard error each; they differ by ${numberText(Math.abs(difference), 2)}${known}).`,
    evidence: [`traces[${k}].curvature`, `traces[${k}].hutchinson`],
  };
}

function planeFinding(row: NetworkRow, k: number): Finding {
  const { name, checkpoint, random, hessian, top, bottom, saddles } = row;
  const change = (to: NetworkRow["random"], split: "train" | "test") => {
    const [from, there] = [checkpoint[split]?.loss, to[split]?.loss];
    if (from === undefined || there === undefined) return "not known";
    if (there === from) return "unchanged";
    return `${percentText(Math.abs(from - there) / from)} ${there < from ? "lower" : "higher"}`;
  };
  const at = (to: NetworkRow["random"]) => {
    if (to.x === 0 && to.y === 0) return "at the checkpoint itself";
    return `${change(to, "train")}${checkpoint.test ? ` (test loss ${change(to, "test")})` : ""}`;
  };
  return {
    id: `planes-${k}`,
    text: `${name}: the minimum of the Hessian plane is ${at(hessian)}, that of the random plane ${at(random)}; λ₊ = ${withError(top.value, top.residual)}, λ₋ = ${withError(bottom.value, bottom.residual)}.${hiddenText(saddles)}`,
    evidence: [
      `table[${k}].hessian.train`,
      `table[${k}].random.train`,
      `table[${k}].bottom`,
      ...(saddles ? [`table[${k}].saddles`] : []),
    ],
  };
}

/** Of random planes drawn over a network's measured spectrum. */
function hiddenText(saddles: NetworkRow["saddles"]): string {
  if (!saddles) return "";
  const share = saddles.share === 0 ? "no" : percentText(saddles.share);
  const planes = saddles.share === 0 ? "random plane" : "of random planes";
  return ` Over the measured spectrum ${share} ${planes} would show the saddle (95 % interval to ${percentText(saddles.high)}).`;
}
