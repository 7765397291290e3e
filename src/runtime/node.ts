import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import * as ort from "onnxruntime-node";
import { LandscapeError, outOfMemory } from "../errors.ts";
import type {
  Device,
  DeviceChoice,
  Feeds,
  ProviderStatus,
  Runtime,
  RuntimeOptions,
  RuntimeTensor,
  Session,
  SessionOptions,
} from "./types.ts";

// TF32 keeps 10 bits of mantissa: it ruins differences and small loss gaps. It must be off before the first CUDA session.
process.env["NVIDIA_TF32_OVERRIDE"] ??= "0";

/**
 * Opens onnxruntime on a device. "auto" takes CUDA, then WebGPU, then the CPU, and says why it fell back;
 * a device asked for by name that is not there is INVALID_OPTION.
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { device, notice } = await resolveDevice(options.device);
  return {
    device,
    notice,
    version: ort.env.versions.common ?? "unknown",
    createSession: (model, chosen = {}) => createSession(model, chosen, device, options.threads),
  };
}

async function resolveDevice(choice: DeviceChoice): Promise<{ device: Device; notice: string | null }> {
  if (choice === "cpu") return { device: "cpu", notice: null };
  const statuses = await probeProviders();
  if (choice === "auto") {
    const found = (["cuda", "webgpu"] as const).find((d) =>
      statuses.some((s) => s.name === d && s.preferred),
    );
    if (found) return { device: found, notice: null };
    return {
      device: "cpu",
      notice: 'no GPU can be used, running on the CPU ("onnx-landscape doctor" says why)',
    };
  }
  const status = statuses.find((s) => s.name === choice);
  if (status?.available) return { device: choice, notice: null };
  const there = statuses.filter((s) => s.available).map((s) => s.name);
  throw new LandscapeError(
    "INVALID_OPTION",
    `device not available: "${choice}" (${status?.reason}); available here: ${there.join(", ")}. ${status?.fix}`,
    { available: there },
  );
}

async function createSession(
  model: Uint8Array,
  { external, onCpu = [] }: SessionOptions,
  device: Device,
  threads: number,
): Promise<Session> {
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: [
      device === "webgpu" && onCpu.length > 0 ? { name: device, forceCpuNodeNames: onCpu } : device,
    ],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // What fails is thrown, and said once.
    logSeverityLevel: 4,
    // Several processes share the machine: waiting threads must not spin.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    ...(external ? { externalData: [{ path: external.location, data: external.bytes }] } : {}),
  };
  try {
    return wrap(await ort.InferenceSession.create(model, options));
  } catch (cause) {
    throw runtimeError("cannot load the graph into onnxruntime", cause);
  }
}

function wrap(session: ort.InferenceSession): Session {
  return {
    async run(feeds) {
      try {
        return fromOrt(await session.run(toOrt(feeds)));
      } catch (cause) {
        throw runtimeError("onnxruntime failed while running", cause);
      }
    },
    release: () => session.release(),
  };
}

function toOrt(feeds: Feeds): Record<string, ort.Tensor> {
  const tensors: Record<string, ort.Tensor> = {};
  for (const [name, t] of Object.entries(feeds)) {
    tensors[name] = new ort.Tensor(t.type as "float32", t.data as Float32Array, t.dims);
  }
  return tensors;
}

function fromOrt(results: ort.InferenceSession.OnnxValueMapType): Record<string, RuntimeTensor> {
  const tensors: Record<string, RuntimeTensor> = {};
  for (const [name, value] of Object.entries(results)) {
    const t = value as ort.Tensor;
    tensors[name] = { type: t.type as RuntimeTensor["type"], dims: t.dims, data: t.data as Float32Array };
  }
  return tensors;
}

function runtimeError(what: string, cause: unknown): LandscapeError {
  const text = ((cause instanceof Error ? cause.message : String(cause)).split("\n")[0] as string).trim();
  if (!/alloc|out of memory/i.test(text))
    return new LandscapeError("RUNTIME_FAILED", `${what}: ${text}`, {}, { cause });
  const size = /buffer of size (\d+)/.exec(text)?.[1];
  const node = /running (\S+) node\. Name:'([^']*)'/.exec(text);
  const where = node ? ` for ${node[1]} "${node[2]}"` : "";
  return outOfMemory(
    size ? `onnxruntime could not get ${sizeText(Number(size))}${where}` : `${what}: ${text}`,
    cause,
  );
}

/** The last straw may be a small one. */
function sizeText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Which devices onnxruntime can use on this machine, by looking at its libraries and trying them. */
export async function probeProviders(): Promise<ProviderStatus[]> {
  const backends = ort.listSupportedBackends?.() ?? [];
  const bundled = (name: string) => backends.some((b) => b.name === name && b.bundled);
  return [
    { name: "cpu", available: true, preferred: true, reason: "part of onnxruntime-node", fix: "" },
    await probeCuda(),
    await probeWebgpu(bundled("webgpu")),
  ];
}

function unavailable(name: Device, reason: string, fix: string): ProviderStatus {
  return { name, available: false, preferred: false, reason, fix };
}

async function probeCuda(): Promise<ProviderStatus> {
  const fix =
    "install CUDA 13 and cuDNN 9, then let onnxruntime-node fetch its CUDA libraries: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12";
  const missing = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"].filter(
    (file) => !existsSync(join(bindingFolder(), file)),
  );
  if (missing.length > 0) {
    return unavailable("cuda", `${missing.join(" and ")} not beside the onnxruntime binding`, fix);
  }
  return tryDevice("cuda", fix);
}

async function probeWebgpu(bundled: boolean): Promise<ProviderStatus> {
  const fix = "install a Vulkan (Linux) or DirectX 12 (Windows) driver";
  if (!bundled) return unavailable("webgpu", "not part of onnxruntime-node here", fix);
  // Without it the attempt fails too, but not before native code has filled stderr.
  if (process.platform === "linux" && !hasLibrary("libvulkan.so.1")) {
    return unavailable("webgpu", "no Vulkan loader (libvulkan.so.1)", fix);
  }
  return tryDevice("webgpu", fix);
}

/** Vulkan also runs on software drivers, ten times slower than the CPU provider; a GPU has a device file on Linux. */
function hasGpu(): boolean {
  if (process.platform !== "linux") return true;
  const folder = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  const drm = folder("/dev/dri").some((file) => file.startsWith("renderD"));
  return drm || folder("/dev").some((file) => file === "dxg" || file.startsWith("nvidia"));
}

function hasLibrary(file: string): boolean {
  const machine = process.arch === "x64" ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  const own = (process.env["LD_LIBRARY_PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const folders = [
    ...own,
    `/usr/lib/${machine}`,
    `/lib/${machine}`,
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
  ];
  return folders.some((folder) => existsSync(join(folder, file)));
}

/** The smallest model there is: y = x + x. Bytes are a serialized ModelProto (IR 8, opset 18). */
const PROBE_MODEL = Uint8Array.from(
  Buffer.from(
    "CAgSADo1Cg4KAXgKAXgSAXkiA0FkZBIBcFoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBI=",
    "base64",
  ),
);

async function tryDevice(name: Device, fix: string): Promise<ProviderStatus> {
  try {
    const session = await ort.InferenceSession.create(PROBE_MODEL, {
      executionProviders: [name],
      logSeverityLevel: 4,
    });
    await session.release();
    const gpu = hasGpu();
    const reason = gpu ? "a session can be created" : "by a driver that computes on the CPU: there is no GPU";
    return { name, available: true, preferred: gpu, reason, fix: "" };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return unavailable(name, (text.split("\n")[0] ?? "").slice(0, 200), fix);
  }
}

function bindingFolder(): string {
  const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  return join(root, "bin", "napi-v6", process.platform, process.arch);
}
