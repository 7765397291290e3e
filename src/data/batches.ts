/** Samples [start, end). */
export interface SampleRange {
  readonly start: number;
  readonly end: number;
}

/** Part `index` of `of` consecutive parts of nearly equal size. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

export const whole: Part = { index: 0, of: 1 };

/** The samples of a part: whole batches, where the model takes batches of `unit` samples only. */
export function partRange(samples: number, { index, of }: Part, unit: number | null = null): SampleRange {
  const step = unit ?? 1;
  const border = (k: number): number => step * Math.floor((k * samples) / (step * of));
  return { start: border(index), end: border(index + 1) };
}

/**
 * The number of groups that a sum over samples is split into: 8, fewer for small data. It depends on
 * nothing else, so that sums come out the same for any number of workers.
 */
export function groupsFor(samples: number): number {
  return Math.min(8, Math.max(1, Math.floor(samples / 16)));
}

/**
 * Splits samples into `groups` consecutive ranges of nearly equal size, and each of these into batches
 * of at most `batch`. Every other batch size is another graph to build, so a smaller size is taken
 * where it leaves fewer different ones. `unit`: the model takes batches of this size only.
 */
export function sampleBatches(
  samples: number,
  groups: number,
  batch: number,
  unit: number | null = null,
): readonly (readonly SampleRange[])[] {
  const step = unit ?? 1;
  const units = samples / step;
  const count = Math.max(1, Math.min(groups, Math.floor(units)));
  const border = (g: number): number => step * Math.floor((g * units) / count);
  const ranges = Array.from({ length: count }, (_, g) => ({ start: border(g), end: border(g + 1) }));
  const size = unit ?? commonSize([...new Set(ranges.map((r) => r.end - r.start))], batch);
  return ranges.map(({ start, end }) => {
    const batches: SampleRange[] = [];
    for (let at = start; at < end; at += size) batches.push({ start: at, end: Math.min(at + size, end) });
    return batches;
  });
}

/** The size, from half of `batch` up, that leaves the fewest different sizes; the largest of these. */
function commonSize(groupSizes: readonly number[], batch: number): number {
  const largest = Math.max(1, Math.min(batch, Math.max(...groupSizes)));
  let best = largest;
  let fewest = Infinity;
  for (let size = largest; size >= Math.ceil(largest / 2); size--) {
    const sizes = new Set(groupSizes.flatMap((g) => [Math.min(size, g), g % size]));
    sizes.delete(0);
    if (sizes.size < fewest) {
      best = size;
      fewest = sizes.size;
    }
  }
  return best;
}
