export { openRuntime, probeProviders } from "./node.ts";
export type {
  Device,
  DeviceChoice,
  ExternalFile,
  Feeds,
  ProviderStatus,
  Runtime,
  RuntimeOptions,
  RuntimeTensor,
  Session,
  SessionOptions,
} from "./types.ts";
