import type { FeedType } from "./convert.ts";
import type { NumericArray } from "./npy.ts";

/** A tensor as the runtime takes it. */
export interface Feed {
  readonly type: FeedType;
  readonly dims: readonly number[];
  readonly data: NumericArray;
}

/** A tensor's type and shape. */
export type FeedShape = Pick<Feed, "type" | "dims">;

export interface Batch {
  readonly inputs: ReadonlyMap<string, Feed>;
  readonly target: Feed | null;
}
