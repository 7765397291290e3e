import type { Batch } from "../data/index.ts";
import { LandscapeError } from "../errors.ts";
import { type BoundModel, bindModel } from "../model/bind.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { resolveLoss } from "../model/choose-loss.ts";
import type { Program } from "../model/compile.ts";
import { givenProgram, givenPrograms, shownOutput } from "../model/given.ts";
import type { LossOptions, LossSpec } from "../model/loss.ts";
import { type BatchTypes, makePrograms, type Programs } from "../model/programs.ts";
import { obstacleText } from "../model/unsupported.ts";
import type { Value } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";
import type { Runtime, RuntimeTensor, Session } from "../runtime/index.ts";
import { openProgram, openSession } from "./chained-session.ts";
import { dataFeeds, vectorFeeds, wantedFeeds } from "./feeds.ts";
import { sameContents } from "./same-contents.ts";

export type ProgramName =
  | "loss"
  | "gradient"
  | "decisions"
  | "smoothGradient"
  | "product"
  | "gaussNewton"
  | "fisher";

/** A program ready to run at one θ: what is still to be fed of θ itself is in `weights`. */
export interface LoadedProgram {
  readonly program: Program;
  readonly session: Session;
  readonly weights: readonly [string, RuntimeTensor][];
}

const WEIGHTS_FILE = "theta";

/** What is known of a batch before it is run. */
export interface BatchKnowledge {
  /** What a batch of `n` samples looks like. */
  types(n: number): BatchTypes;
  /** Where there is one batch only: the integers in it, on which shapes may depend. */
  integers(): ReadonlyMap<string, Tensor>;
}

/** The programs of one batch size, and the loss they have. */
interface Made {
  readonly programs: Programs;
  readonly spec: LossSpec;
}

/** Of a model that runs as its file has it: why, and the loss of what it gives. */
interface AsGiven {
  readonly why: LandscapeError;
  readonly spec: LossSpec;
}

/** The programs of one model and their sessions, by batch size; each is built once, when first used. */
export class SessionCache {
  private readonly checkpoint: Checkpoint;
  private readonly runtime: Runtime;
  private readonly lossOptions: LossOptions;
  private readonly data: BatchKnowledge;
  private readonly programs = new Map<number, Made>();
  private readonly models = new Map<string, Uint8Array>();
  private readonly fed = new Map<string, Promise<Session>>();
  private readonly atBase: BakedSessions;
  private given: AsGiven | undefined;

  constructor(checkpoint: Checkpoint, runtime: Runtime, lossOptions: LossOptions, data: BatchKnowledge) {
    this.checkpoint = checkpoint;
    this.runtime = runtime;
    this.lossOptions = lossOptions;
    this.data = data;
    this.atBase = new BakedSessions(this, checkpoint.theta);
  }

  of(n: number): Made {
    let found = this.programs.get(n);
    if (found === undefined) {
      found = this.given ? this.asGiven(n, this.given) : this.bound(n);
      this.programs.set(n, found);
    }
    return found;
  }

  /**
   * As `of`, before anything else. A model with operators that are not known here, or with shapes that depend on its data,
   * runs as its file has it from here on; a run of `batch`, of `n` samples, shows what its output is.
   */
  async first(n: number, batch: () => Batch): Promise<Made> {
    try {
      return this.of(n);
    } catch (error) {
      if (!(error instanceof LandscapeError) || error.code !== "UNSUPPORTED_OP") throw error;
      this.given = { why: error, spec: await this.shownSpec(error, n, batch()) };
      return this.of(n);
    }
  }

  private bound(n: number): Made {
    const types = this.data.types(n);
    const bound = { ...this.bind(types), ...(this.checkpoint.own ? {} : { samples: n }) };
    const spec = resolveLoss(this.lossOptions, bound, types.target);
    return { programs: makePrograms(bound, spec, types.target), spec };
  }

  /** Integers become constants only if shapes depend on them: graphs then hold one batch, and are larger. */
  private bind(types: BatchTypes): BoundModel {
    try {
      return bindModel(this.checkpoint, types.inputs);
    } catch (error) {
      const isUnknown = error instanceof LandscapeError && error.code === "UNSUPPORTED_OP";
      const known = isUnknown ? this.data.integers() : new Map<string, Tensor>();
      if (known.size === 0) throw error;
      return bindModel(this.checkpoint, types.inputs, known);
    }
  }

  private asGiven(n: number, { why, spec }: AsGiven): Made {
    const types = this.data.types(n);
    const specOf = (output: Value) =>
      resolveLoss(this.lossOptions, { output, name: output.name, own: null }, types.target);
    return { programs: givenPrograms(this.checkpoint, types, n, { spec, specOf }, why), spec };
  }

  private async shownSpec(why: LandscapeError, n: number, batch: Batch): Promise<LossSpec> {
    const types = this.data.types(n);
    const program = givenProgram(this.checkpoint, types);
    if (program === undefined) throw why;
    const session = await openProgram(this.runtime, program).catch((cause: unknown) => {
      throw cannotRun(why, cause);
    });
    try {
      const { checkpoint } = this;
      const feeds = [...vectorFeeds(checkpoint, "p", checkpoint.theta), ...dataFeeds(checkpoint, batch)];
      const { output } = await session.run(wantedFeeds(feeds, program.inputNames));
      const shown = shownOutput(checkpoint, output as RuntimeTensor);
      return resolveLoss(this.lossOptions, { output: shown, name: shown.name, own: null }, types.target);
    } finally {
      await session.release();
    }
  }

  /**
   * Lends sessions at one θ to `work`: with the weights as constants if `bake`, else with fed weights. Those at θ₀ are
   * kept, since it comes up again; others with constant weights are released afterwards.
   */
  async at<T>(theta: Float32Array, bake: boolean, work: (sessions: SessionsAt) => Promise<T>): Promise<T> {
    if (!bake || this.runtime.device !== "cpu") return work(new FedSessions(this, this.checkpoint, theta));
    if (sameContents(theta, this.checkpoint.theta)) return work(this.atBase);
    const baked = new BakedSessions(this, theta);
    try {
      return await work(baked);
    } finally {
      await baked.release();
    }
  }

  /** A session whose weights are inputs: one for every θ. */
  fedSession(name: ProgramName, n: number, program: Program): Promise<Session> {
    const key = `${name}/${n}`;
    let session = this.fed.get(key);
    if (session === undefined) {
      session = openSession(program, this.runtime, openProgram(this.runtime, program));
      this.fed.set(key, session);
    }
    return session;
  }

  /** A session with these weights as constants, which onnxruntime folds and lays out: faster, but for one θ. */
  bakedSession(name: ProgramName, n: number, program: Program, theta: Float32Array): Promise<Session> {
    const key = `${name}/${n}`;
    let model = this.models.get(key);
    if (model === undefined) {
      const offsets = new Map(this.checkpoint.parameters.map((p, i) => [`p${i}`, 4 * p.offset]));
      model = program.encodeBaked(WEIGHTS_FILE, (input) => offsets.get(input));
      this.models.set(key, model);
    }
    const bytes = new Uint8Array(theta.buffer, theta.byteOffset, theta.byteLength);
    const session = this.runtime.createSession(model, { external: { location: WEIGHTS_FILE, bytes } });
    return openSession(program, this.runtime, session);
  }

  async close(): Promise<void> {
    for (const session of this.fed.values()) await (await session).release();
    this.fed.clear();
    await this.atBase.release();
  }
}

/** Sessions at one θ, by program and batch size. */
export interface SessionsAt {
  /** null when the model has no such program (no decisions to take). */
  get(name: ProgramName, n: number): Promise<LoadedProgram | null>;
}

class FedSessions implements SessionsAt {
  private readonly cache: SessionCache;
  private readonly weights: readonly [string, RuntimeTensor][];

  constructor(cache: SessionCache, checkpoint: Checkpoint, theta: Float32Array) {
    this.cache = cache;
    this.weights = vectorFeeds(checkpoint, "p", theta);
  }

  async get(name: ProgramName, n: number): Promise<LoadedProgram | null> {
    const program = this.cache.of(n).programs[name]();
    if (program === null) return null;
    return { program, session: await this.cache.fedSession(name, n, program), weights: this.weights };
  }
}

class BakedSessions implements SessionsAt {
  private readonly cache: SessionCache;
  private readonly theta: Float32Array;
  private readonly loaded = new Map<string, LoadedProgram>();

  constructor(cache: SessionCache, theta: Float32Array) {
    this.cache = cache;
    this.theta = theta;
  }

  async get(name: ProgramName, n: number): Promise<LoadedProgram | null> {
    const key = `${name}/${n}`;
    const found = this.loaded.get(key);
    if (found) return found;
    const program = this.cache.of(n).programs[name]();
    if (program === null) return null;
    const session = await this.cache.bakedSession(name, n, program, this.theta);
    const made = { program, session, weights: [] };
    this.loaded.set(key, made);
    return made;
  }

  async release(): Promise<void> {
    for (const { session } of this.loaded.values()) await session.release();
    this.loaded.clear();
  }
}

function cannotRun(why: LandscapeError, cause: unknown): LandscapeError {
  const text = cause instanceof Error ? cause.message.replace(/^[^:]*: /, "") : String(cause);
  return new LandscapeError(
    "UNSUPPORTED_OP",
    `cannot run the model: ${obstacleText(why)}, and onnxruntime has no kernel either (${text}). Export it with standard operators`,
    why.details,
    { cause },
  );
}
