import type {
  Displacement,
  Evaluation,
  GradientEvaluation,
  HvpOptions,
  HvpResult,
  Objective,
  Parameter,
} from "../../objective/types.ts";
import { type Progress, relativeCost } from "../progress.ts";
import { pointOf, type Unit, vectorHash } from "./unit.ts";
import type { UnitStore } from "./unit-store.ts";

type DataOfUnit = Pick<Unit, "split" | "part">;

/**
 * An objective that looks in the store before it computes, and keeps what it computed. What runs on top
 * is deterministic, so that a killed run started again asks for the same units and gets the same bits.
 */
export class JournaledObjective implements Objective {
  readonly n: number;
  readonly parameters: readonly Parameter[];
  readonly theta: Float32Array;
  readonly thetaNorm: number;
  readonly samples: number;
  private readonly inner: Objective;
  private readonly data: DataOfUnit;
  private readonly store: UnitStore;
  private readonly progress: Progress;

  /** `part`: the one of the split's samples that `inner` has; left out, it has all. */
  constructor(
    inner: Objective,
    split: "train" | "test",
    store: UnitStore,
    progress: Progress,
    part?: Unit["part"],
  ) {
    this.n = inner.n;
    this.parameters = inner.parameters;
    this.theta = inner.theta;
    this.thetaNorm = inner.thetaNorm;
    this.samples = inner.samples;
    this.inner = inner;
    this.data = { split, part };
    this.store = store;
    this.progress = progress;
  }

  async evaluate(at: Displacement = [], signal?: AbortSignal): Promise<Evaluation> {
    const unit: Unit = { run: this.store.run, what: "evaluate", ...this.data, point: pointOf(at) };
    const { result } = await this.keep(unit, relativeCost.evaluate, async () => ({
      result: await this.inner.evaluate(at, signal),
      vectors: {},
    }));
    return result;
  }

  async gradient(at: Displacement = [], signal?: AbortSignal): Promise<GradientEvaluation> {
    const unit: Unit = { run: this.store.run, what: "gradient", ...this.data, point: pointOf(at) };
    const { result, vectors } = await this.keep(unit, relativeCost.gradient, async () => {
      const { gradient, ...numbers } = await this.inner.gradient(at, signal);
      return { result: numbers, vectors: { gradient } };
    });
    return { ...result, gradient: vectors["gradient"] as Float64Array };
  }

  async groupGradients(signal?: AbortSignal): Promise<readonly GradientEvaluation[]> {
    const unit: Unit = { run: this.store.run, what: "groupGradients", ...this.data };
    const { result, vectors } = await this.keep(unit, relativeCost.gradient, async () => {
      const groups = await this.inner.groupGradients(signal);
      const named = groups.map((g, i): [string, Float64Array] => [`gradient${i}`, g.gradient]);
      return {
        result: groups.map(({ gradient: _, ...numbers }) => numbers),
        vectors: Object.fromEntries(named),
      };
    });
    return result.map((numbers, i) => ({ ...numbers, gradient: vectors[`gradient${i}`] as Float64Array }));
  }

  async hvp(v: Float64Array, options: HvpOptions, signal?: AbortSignal): Promise<HvpResult> {
    const unit: Unit = {
      run: this.store.run,
      what: "hvp",
      ...this.data,
      v: vectorHash(v),
      options: { ...options },
    };
    const { result, vectors } = await this.keep(unit, relativeCost[options.method], async () => {
      const { hv, ...numbers } = await this.inner.hvp(v, options, signal);
      return { result: numbers, vectors: { hv } };
    });
    return { ...result, hv: vectors["hv"] as Float64Array };
  }

  /** The store's, or computed and kept. */
  private async keep<T>(
    unit: Unit,
    cost: number,
    compute: () => Promise<{ result: T; vectors: Readonly<Record<string, Float64Array>> }>,
  ): Promise<{ result: T; vectors: Readonly<Record<string, Float64Array>> }> {
    const known = await this.store.get<T>(unit);
    if (!known) {
      const computed = await compute();
      await this.store.put(unit, computed.result, computed.vectors);
      this.progress.tick(cost * this.samples, true);
      return computed;
    }
    this.progress.tick(cost * this.samples, false);
    return known;
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
