import type { ElementType } from "../onnx/tensor.ts";

/** A tensor on its way into or out of a session. Feeds are not copied: do not change them during a run. */
export interface RuntimeTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;
}

export type Feeds = Readonly<Record<string, RuntimeTensor>>;

/** A compiled graph. `run` blocks its thread while the device computes. */
export interface Session {
  run(feeds: Feeds): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

export type Device = "cpu" | "cuda" | "webgpu";
export type DeviceChoice = Device | "auto";

export interface RuntimeOptions {
  readonly device: DeviceChoice;
  /** Threads of one session. */
  readonly threads: number;
}

/** Contents of the external file that a model refers to, by its location. */
export interface ExternalFile {
  readonly location: string;
  readonly bytes: Uint8Array;
}

export interface SessionOptions {
  readonly external?: ExternalFile;
  /** Names of nodes that run on the CPU although the device has kernels for them. */
  readonly onCpu?: readonly string[];
}

/** One inference engine on one device. */
export interface Runtime {
  readonly device: Device;
  /** Why another device than asked for is used, in words. */
  readonly notice: string | null;
  readonly version: string;
  /** Shapes in: an encoded model with static shapes. Throws RUNTIME_FAILED. */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
}

export interface ProviderStatus {
  readonly name: Device;
  readonly available: boolean;
  /** Whether "auto" takes it: not where a software driver stands in for a GPU. */
  readonly preferred: boolean;
  readonly reason: string;
  readonly fix: string;
}
