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
