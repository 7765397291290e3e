import type { EndCounts, ExtremeInfo, ExtremeOptions, SpectrumEnd } from "./eigenpair-types.ts";
import { type LanczosFactorization, lanczos, type RitzPairs } from "./lanczos.ts";
import type { SymmetricOperator } from "./operator.ts";
import { RitzJudge } from "./ritz-judge.ts";
import { keptIndices, type Look, SearchBlock } from "./search-block.ts";

/** Which Ritz pairs are wanted, and what they are judged as. */
export interface Selection {
  /** Numbers of pairs wanted at either end, by what the Ritz values (ascending) look like so far. */
  counts(values: Float64Array): EndCounts;
  /** The operator is A − shift·I of the A whose eigenvalues are wanted. */
  readonly shift: number;
}

export interface KrylovSpace {
  readonly factorization: LanczosFactorization;
  readonly ritz: RitzPairs;
  readonly judge: RitzJudge;
  /** Indices of the wanted Ritz pairs, from the outermost inwards. */
  readonly wanted: Readonly<Record<SpectrumEnd, readonly number[]>>;
  readonly stopped: ExtremeInfo["stopped"];
}

export const DEFAULT_MAX_PRODUCTS = 300;

/**
 * One Lanczos run until the wanted Ritz pairs are settled, followed by blocks that look for what a single start
 * vector cannot show, further copies of multiple eigenvalues: of their own accord after a breakdown, else only when
 * copies are asked for. Undefined for an operator of order 0.
 */
export async function searchKrylov(
  operator: SymmetricOperator,
  options: ExtremeOptions,
  selection: Selection,
): Promise<KrylovSpace | undefined> {
  const limit = options.maxProducts ?? DEFAULT_MAX_PRODUCTS;
  let block = SearchBlock.first(options);
  for await (const f of lanczos(operator, options)) {
    const isFull = options.maxBasis !== undefined && f.size >= options.maxBasis;
    const isLast = f.complete || f.products >= limit;
    if (!isLast && !isFull && !f.isInvariant && !isTimeToLook(f.size)) continue;
    const ritz = f.ritz();
    const judge = new RitzJudge(f, ritz, options.tolerance ?? 1e-4, selection.shift);
    const look: Look = { f, judge, counts: selection.counts(judge.values) };
    report(options, look);
    const isEnough = f.isInvariant || f.products >= (options.leastProducts ?? 0);
    const isOver = block.isOver(look) && isEnough;
    const next = isOver ? block.next(look) : undefined;
    const isStuck = isEnough && !isOver && block.isStuck(look);
    if (isLast || isStuck || (isOver && !next)) {
      const stopped = f.complete ? "complete" : isOver && !next ? "converged" : isStuck ? "noise" : "limit";
      return { factorization: f, ritz, judge, wanted: wantedOf(look), stopped };
    }
    if (next) block = next;
    if (next?.found) f.lock(ritz, next.found);
    else if (isFull) f.compress(ritz, keptIndices(ritz.values.length, block.sought(look.counts)));
  }
  return undefined;
}

/** The small eigenproblem costs k³: looked at every step at first, then every twentieth of what there is. */
function isTimeToLook(size: number): boolean {
  return size % Math.max(1, Math.floor(size / 20)) === 0;
}

function wantedOf({ judge, counts }: Look): KrylovSpace["wanted"] {
  return { top: judge.outermost("top", counts.top), bottom: judge.outermost("bottom", counts.bottom) };
}

function report(options: ExtremeOptions, look: Look): void {
  const { f, judge } = look;
  const at = (i: number) => ({ value: judge.values[i] as number, residual: judge.residuals[i] as number });
  const { top, bottom } = wantedOf(look);
  options.onStep?.({ products: f.products, top: top.map(at), bottom: bottom.map(at) });
}
