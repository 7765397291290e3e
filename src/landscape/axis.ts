/** The part of a line that is shown: coefficients of its direction, `from` below `to`. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/**
 * `count` equally spaced points from `from` to `to`, both reached exactly. Exactly 0 where a point falls there, so that the
 * centre is θ₀ itself; exactly symmetric if the ends are. A single point is `to`.
 */
export function linearAxis(from: number, to: number, count: number): number[] {
  const last = count - 1;
  const step = (to - from) / last;
  return Array.from({ length: count }, (_, i) => {
    if (i === last) return to;
    if (i === 0) return from;
    const value = (from * (last - i) + to * i) / last;
    return Math.abs(value) < 1e-9 * Math.abs(step) ? 0 : value;
  });
}

/**
 * `count` ≥ 3 equally spaced points of which one is θ₀ itself, exactly 0: those of the extent, moved by at most
 * half a step. Exactly symmetric if the extent is and `count` is odd. The extent lies on both sides of 0.
 */
export function originAxis({ from, to }: Extent, count: number): number[] {
  const last = count - 1;
  const step = (to - from) / last;
  const origin = Math.min(last - 1, Math.max(1, Math.round(-from / step)));
  return Array.from({ length: count }, (_, i) => (i - origin) * step);
}
