import { bindModel } from "../model/bind.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { Program } from "../model/compile.ts";
import { type LossOptions, type LossSpec, resolveLoss } from "../model/loss.ts";
import { type BatchTypes, makePrograms, type Programs } from "../model/programs.ts";
import type { Runtime, RuntimeTensor, Session } from "../runtime/index.ts";

export type ProgramName = "loss" | "gradient" | "decisions" | "smoothGradient" | "product";

export interface LoadedProgram {
  readonly program: Program;
  readonly session: Session;
}

const THETA_FILE = "theta";

/** The programs of one model and their sessions, by batch size; each is built once, when first used. */
export class SessionCache {
  private readonly checkpoint: Checkpoint;
  private readonly runtime: Runtime;
  private readonly lossOptions: LossOptions;
  private readonly typesOf: (n: number) => BatchTypes;
  private readonly programs = new Map<number, { programs: Programs; spec: LossSpec }>();
  private readonly bakedModels = new Map<number, Uint8Array>();
  private readonly sessions = new Map<string, Promise<LoadedProgram | null>>();

  constructor(
    checkpoint: Checkpoint,
    runtime: Runtime,
    lossOptions: LossOptions,
    typesOf: (n: number) => BatchTypes,
  ) {
    this.checkpoint = checkpoint;
    this.runtime = runtime;
    this.lossOptions = lossOptions;
    this.typesOf = typesOf;
  }

  of(n: number): { programs: Programs; spec: LossSpec } {
    let found = this.programs.get(n);
    if (found === undefined) {
      const types = this.typesOf(n);
      const bound = bindModel(this.checkpoint, types.inputs);
      const spec = resolveLoss(this.lossOptions, bound, types.target);
      found = { programs: makePrograms(bound, spec, types.target), spec };
      this.programs.set(n, found);
    }
    return found;
  }

  /** null when the model has no such program (no decisions to take). */
  get(name: ProgramName, n: number): Promise<LoadedProgram | null> {
    const key = `${name}/${n}`;
    let session = this.sessions.get(key);
    if (session === undefined) {
      session = this.load(name, n);
      this.sessions.set(key, session);
    }
    return session;
  }

  private async load(name: ProgramName, n: number): Promise<LoadedProgram | null> {
    const program = this.of(n).programs[name]();
    if (program === null) return null;
    return { program, session: await this.runtime.createSession(program.encode()) };
  }

  /** The loss with these weights as constants: faster per sample, but a session of its own for each θ. */
  async bakedLoss(n: number, theta: Float32Array): Promise<LoadedProgram> {
    const program = this.of(n).programs.loss();
    let model = this.bakedModels.get(n);
    if (model === undefined) {
      const offsets = new Map(this.checkpoint.parameters.map((p, i) => [`p${i}`, 4 * p.offset]));
      model = program.encodeBaked(THETA_FILE, (input) => offsets.get(input));
      this.bakedModels.set(n, model);
    }
    const bytes = new Uint8Array(theta.buffer, theta.byteOffset, theta.byteLength);
    return { program, session: await this.runtime.createSession(model, { location: THETA_FILE, bytes }) };
  }

  async close(): Promise<void> {
    for (const loaded of this.sessions.values()) await (await loaded)?.session.release();
    this.sessions.clear();
  }
}

/** Feeds of a flat vector: one view per parameter, named `prefix` and its index. */
export function vectorFeeds(
  checkpoint: Checkpoint,
  prefix: string,
  vector: Float32Array,
): [string, RuntimeTensor][] {
  return checkpoint.parameters.map((p, i) => [
    `${prefix}${i}`,
    { type: "float32", dims: p.shape, data: vector.subarray(p.offset, p.offset + p.size) },
  ]);
}
