/** `count` equally spaced points from `from` to `to`; exactly 0 where a point falls there, so that the centre is θ₀ itself. */
export function linearAxis(from: number, to: number, count: number): number[] {
  const step = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, i) => {
    const value = i === count - 1 ? to : from + i * step;
    return Math.abs(value) < 1e-9 * Math.abs(step) ? 0 : value;
  });
}
