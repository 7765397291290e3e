import type {
  Displacement,
  Evaluation,
  GradientEvaluation,
  HvpOptions,
  HvpResult,
  Objective,
  Parameter,
} from "../../src/objective/types.ts";

export interface ToyOptions {
  /** Eigenvalues of the Hessian; parameter i's axis is eigenvector i. */
  readonly curvatures: readonly number[];
  /** ∇L at θ₀. */
  readonly slope?: readonly number[];
  readonly offset?: number;
  /** Adds quartic·Σ dᵢ⁴, so that the loss is bounded below. */
  readonly quartic?: number;
  readonly classes?: boolean;
  /** Called before every piece of work; may throw. */
  readonly before?: (what: string) => void;
}

/** L(θ₀ + d) = offset + Σ slopeᵢdᵢ + ½ curvatureᵢdᵢ² + quartic·dᵢ⁴: everything about it is known exactly. */
export class ToyObjective implements Objective {
  readonly n: number;
  readonly parameters: readonly Parameter[];
  readonly theta: Float32Array;
  readonly thetaNorm: number;
  readonly samples = 16;
  readonly calls: Record<string, number> = {};
  private readonly options: Required<ToyOptions>;

  constructor(options: ToyOptions) {
    this.n = options.curvatures.length;
    const half = Math.floor(this.n / 2);
    this.parameters = [
      { name: "layer1.weight", shape: [half, 1], offset: 0, size: half },
      { name: "layer2.weight", shape: [this.n - half, 1], offset: half, size: this.n - half },
    ];
    this.theta = Float32Array.from({ length: this.n }, (_, i) => Math.cos(i));
    this.thetaNorm = Math.sqrt(this.theta.reduce((sum, x) => sum + x * x, 0));
    this.options = {
      slope: options.curvatures.map(() => 0),
      offset: 1,
      quartic: 0,
      classes: false,
      before: () => {},
      ...options,
    };
  }

  async evaluate(at: Displacement = [], signal?: AbortSignal): Promise<Evaluation> {
    this.count("evaluate", signal);
    const { offset, slope, curvatures, quartic, classes } = this.options;
    let loss = offset;
    for (const [i, d] of this.displacement(at).entries()) {
      loss += slope[i]! * d + 0.5 * curvatures[i]! * d * d + quartic * d ** 4;
    }
    return { loss, accuracy: classes ? Math.exp(-Math.abs(loss)) : null, samples: this.samples };
  }

  async gradient(at: Displacement = [], signal?: AbortSignal): Promise<GradientEvaluation> {
    this.count("gradient", signal);
    return this.gradientAt(at);
  }

  /** Four groups whose gradients differ by ±10 % of the first curvature along the first axis. */
  async groupGradients(signal?: AbortSignal): Promise<readonly GradientEvaluation[]> {
    this.count("groupGradients", signal);
    const whole = this.gradientAt([]);
    return [-1, -1, 1, 1].map((sign) => {
      const gradient = whole.gradient.slice();
      gradient[0]! += 0.1 * sign * this.options.curvatures[0]!;
      return { ...whole, samples: this.samples / 4, gradient };
    });
  }

  async hvp(v: Float64Array, options: HvpOptions, signal?: AbortSignal): Promise<HvpResult> {
    this.count("hvp", signal);
    // Moving branches are told from frozen ones by a known factor.
    const factor = options.kinks === "moving" ? 1.5 : 1;
    const hv = v.map((x, i) => factor * this.options.curvatures[i]! * x);
    if (options.method === "exact") return { hv, step: null, error: 1e-12, model: null };
    const step = (options.relativeStep ?? 1e-4) * this.thetaNorm;
    const model = options.relativeStep === undefined ? { noise: 1e-12 * step, truncation: 0 } : null;
    return { hv, step, error: 1e-12, model };
  }

  async close(): Promise<void> {}

  private gradientAt(at: Displacement): GradientEvaluation {
    const { slope, curvatures, quartic, offset } = this.options;
    const gradient = this.displacement(at).map(
      (d, i) => slope[i]! + curvatures[i]! * d + 4 * quartic * d ** 3,
    );
    return { loss: offset, accuracy: null, samples: this.samples, gradient };
  }

  private displacement(at: Displacement): Float64Array {
    const d = new Float64Array(this.n);
    for (const { coefficient, direction } of at) {
      for (let i = 0; i < this.n; i++) d[i]! += coefficient * direction.vector[i]!;
    }
    return d;
  }

  private count(what: string, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.options.before(what);
    this.calls[what] = (this.calls[what] ?? 0) + 1;
  }
}
