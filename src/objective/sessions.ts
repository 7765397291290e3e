import type { Batch, SampleRange } from "../data/index.ts";
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
  /** Where every batch has programs of its own: the integers in it, on which shapes may depend. */
  readonly integers?: (range: SampleRange) => ReadonlyMap<string, Tensor>;
}

/** The programs of one batch size, or of one batch, and the loss they have. */
interface Made {
  readonly programs: Programs;
  readonly spec: LossSpec;
}

/** Of a model that runs as its file has it: why, and the loss of what it gives. */
interface AsGiven {
  readonly why: LandscapeError;
  readonly spec: LossSpec;
}

/** The programs of one model and their sessions, by batch size or batch; each is built once, when first used. */
export class SessionCache {
  private readonly checkpoint: Checkpoint;
  private readonly runtime: Runtime;
  private readonly lossOptions: LossOptions;
  private readonly data: BatchKnowledge;
  private readonly programs = new Map<string, Made>();
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

  /** Whether every batch has programs of its own. */
  get isByBatch(): boolean {
    return this.data.integers !== undefined;
  }

  of(range: SampleRange): Made {
    const key = this.keyOf(range);
    let found = this.programs.get(key);
    if (found === undefined) {
      found = this.given ? this.asGiven(range.end - range.start, this.given) : this.bound(range);
      this.programs.set(key, found);
    }
    return found;
  }

  /** Of the batches that share programs: one size, or one batch. */
  keyOf({ start, end }: SampleRange): string {
    return this.isByBatch ? `${start}-${end}` : `${end - start}`;
  }

  /**
   * As `of`, before anything else. A model with operators that are not known here, or with shapes that depend on its data,
   * runs as its file has it from here on; a run of `batch`, the samples `range`, shows what its output is.
   */
  async first(range: SampleRange, batch: () => Batch): Promise<Made> {
    try {
      return this.of(range);
    } catch (error) {
      if (!(error instanceof LandscapeError) || error.code !== "UNSUPPORTED_OP") throw error;
      this.given = { why: error, spec: await this.shownSpec(error, range.end - range.start, batch()) };
      return this.of(range);
    }
  }

  private bound(range: SampleRange): Made {
    const samples = range.end - range.start;
    const types = this.data.types(samples);
    const bound = { ...this.bind(types, range), ...(this.checkpoint.own ? {} : { samples }) };
    const spec = resolveLoss(this.lossOptions, bound, types.target);
    return { programs: makePrograms(bound, spec, types.target), spec };
  }

  /** Integers become constants only if shapes depend on them: graphs then hold one batch, and are larger. */
  private bind(types: BatchTypes, range: SampleRange): BoundModel {
    try {
      return bindModel(this.checkpoint, types.inputs);
    } catch (error) {
      const isUnknown = error instanceof LandscapeError && error.code === "UNSUPPORTED_OP";
      const known = isUnknown ? this.data.integers?.(range) : undefined;
      if (known === undefined || known.size === 0) throw error;
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
  fedSession(name: ProgramName, range: SampleRange, program: Program): Promise<Session> {
    const key = `${name}/${this.keyOf(range)}`;
    let session = this.fed.get(key);
    if (session === undefined) {
      session = openSession(program, this.runtime, openProgram(this.runtime, program));
      this.fed.set(key, session);
    }
    return session;
  }

  /** A session with these weights as constants, which onnxruntime folds and lays out: faster, but for one θ. */
  bakedSession(
    name: ProgramName,
    range: SampleRange,
    program: Program,
    theta: Float32Array,
  ): Promise<Session> {
    const key = `${name}/${this.keyOf(range)}`;
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

/** Sessions at one θ, by program and batch. */
export interface SessionsAt {
  /** null when the model has no such program (no decisions to take). */
  get(name: ProgramName, range: SampleRange): Promise<LoadedProgram | null>;
}

class FedSessions implements SessionsAt {
  private readonly cache: SessionCache;
  private readonly weights: readonly [string, RuntimeTensor][];

  constructor(cache: SessionCache, checkpoint: Checkpoint, theta: Float32Array) {
    this.cache = cache;
    this.weights = vectorFeeds(checkpoint, "p", theta);
  }

  async get(name: ProgramName, range: SampleRange): Promise<LoadedProgram | null> {
    const program = this.cache.of(range).programs[name]();
    if (program === null) return null;
    return { program, session: await this.cache.fedSession(name, range, program), weights: this.weights };
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

  async get(name: ProgramName, range: SampleRange): Promise<LoadedProgram | null> {
    const key = `${name}/${this.cache.keyOf(range)}`;
    const found = this.loaded.get(key);
    if (found) return found;
    const program = this.cache.of(range).programs[name]();
    if (program === null) return null;
    const session = await this.cache.bakedSession(name, range, program, this.theta);
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
