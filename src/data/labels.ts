import { LandscapeError } from "../errors.ts";
import type { Feed } from "./feed.ts";
import { type ArrayStore, showIndex } from "./store.ts";

/** What labels may be. */
export interface Labels {
  readonly classes: number;
  readonly ignoreIndex: number | null;
  /** Weights of the classes; null: all alike. */
  readonly weights?: readonly number[] | null;
  /** Yes or no of two classes may be anything between, too. */
  readonly soft?: boolean;
}

/** Throws unless the targets are labels of such classes, and some of them count. */
export function assertLabels(
  store: ArrayStore,
  name: string,
  target: Feed | null,
  { classes, ignoreIndex, weights = null, soft = false }: Labels,
): void {
  if (target === null) return;
  const fail = (why: string): never => {
    throw new LandscapeError(
      "INVALID_DATA",
      `unusable labels: array "${name}" of ${JSON.stringify(store.name)} ${why}`,
      {
        path: store.name,
        array: name,
        classes,
      },
    );
  };
  const range = `0 to ${classes - 1}`;
  if (target.type !== "int64" && !soft) {
    fail(
      `has type ${target.type}; expected integers from ${range}. Save labels as integers, or choose another --loss`,
    );
  }
  const data: ArrayLike<number | bigint> = target.data;
  let counted = 0;
  for (let i = 0; i < data.length; i++) {
    const label = Number(data[i]);
    if (label === ignoreIndex) continue;
    if (!(label >= 0 && label <= classes - 1)) {
      const hint =
        !soft && ignoreIndex === null && label < 0
          ? `. to leave such positions out: --ignore-index ${label}`
          : "";
      fail(`holds ${label} at ${showIndex(i, target.dims)}; expected ${range}${hint}`);
    }
    counted += weights?.[label] ?? 1;
  }
  if (counted > 0) return;
  fail(
    weights
      ? "holds only labels without weight; expected one with a weight above 0. Check --class-weights"
      : `holds only the ignored label ${ignoreIndex}; expected others too`,
  );
}
