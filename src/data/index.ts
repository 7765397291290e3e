export { groupsFor, type Part, partRange, type SampleRange, sampleBatches, whole } from "./batches.ts";
export type { FeedType } from "./convert.ts";
export {
  type Batch,
  type Dataset,
  type DatasetRequirements,
  type DatasetSpec,
  type Feed,
  type FeedShape,
  loadDataset,
} from "./dataset.ts";
export type { InputRequirement } from "./fit.ts";
export { noData } from "./no-data.ts";
export { type Normalization, type NormalizationOptions, parseNormalization } from "./normalization.ts";
export type { Dtype, NdArray, NumericArray } from "./npy.ts";
export { type ArrayToWrite, openNpz, writeNpz } from "./npz.ts";
export { openData } from "./open.ts";
export { holdOut } from "./part.ts";
export type { ArrayStore } from "./store.ts";
export { parseVectorAddress, readNpzArray, readVector, type VectorAddress } from "./vector.ts";
