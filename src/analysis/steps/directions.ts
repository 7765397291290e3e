import { filterDirection, randomDirection } from "../../landscape/index.ts";
import { bestStep, type DifferenceModel } from "../../numerics/difference-step.ts";
import { dot, norm } from "../../numerics/vector.ts";
import type { Direction, HvpOptions } from "../../objective/types.ts";
import type { DirectionInfo, DirectionRole } from "../analysis-report.ts";
import { vectorHash } from "../run/unit.ts";
import { keepStep, type StepContext } from "./context.ts";
import type { EigenStep } from "./eigenpairs.ts";

/** A unit direction with what the report says of it. */
export interface NamedDirection {
  readonly direction: Direction;
  readonly info: DirectionInfo;
}

/** v₊, v₋, the random directions and two filter-normalised ones, with slope and curvature of each. */
export async function directionsStep(
  context: StepContext,
  gradient: Float64Array,
  eigen: EigenStep,
): Promise<NamedDirection[]> {
  const { train } = context;
  const named: NamedDirection[] = [];
  for (const [role, label] of [
    ["top", "v₊"],
    ["bottom", "v₋"],
  ] as const) {
    const index = eigen.info.pairs.findIndex((p) => p.end === role);
    const pair = eigen.info.pairs[index];
    const vector = eigen.vectors[index];
    if (!pair || !vector) continue;
    named.push({
      direction: { id: `sha256:${vectorHash(vector)}`, vector },
      info: {
        id: role,
        role,
        label,
        slope: pair.slope,
        curvature: pair.value,
        curvatureError: pair.residual,
      },
    });
  }
  const drawn = drawDirections(context);
  const curvatures = await randomCurvatures(context, drawn);
  for (const [i, { direction, info }] of drawn.entries()) {
    const { curvature, error } = curvatures[i] as Curvature;
    const slope = dot(gradient, direction.vector);
    named.push({ direction, info: { ...info, slope, curvature, curvatureError: error } });
  }
  context.progress.finish(`${named.length} directions in ${train.n} dimensions`);
  return named;
}

/** The random directions and two filter-normalised ones; neither slope nor curvature of them is known yet. */
export function drawDirections({ train, options }: StepContext): NamedDirection[] {
  const { seed } = options;
  const named = (role: DirectionRole, label: string, direction: Direction): NamedDirection => {
    const id = direction.id.replace(`:${seed}:`, "-");
    return { direction, info: { id, role, label, slope: null, curvature: null, curvatureError: null } };
  };
  // A plane needs two, even where fewer profiles are wanted.
  const random = Array.from({ length: Math.max(2, options.randomProfiles) }, (_, index) =>
    named("random", `random ${index + 1}`, randomDirection(train.parameters, { seed, index })),
  );
  const filter = [0, 1].map((index) =>
    named(
      "filter",
      `filter-normalised ${index + 1}`,
      filterDirection(train.parameters, train.theta, { seed, index }),
    ),
  );
  // A model without a filter (no tensor of rank 2) has no such direction.
  return [...random, ...filter.filter((d) => norm(d.direction.vector) > 0)];
}

interface Curvature {
  readonly curvature: number;
  readonly error: number;
}

/** dᵀHd of each; the first of a kind chooses its step, the others reuse it. */
async function randomCurvatures(
  context: StepContext,
  drawn: readonly NamedDirection[],
): Promise<Curvature[]> {
  context.progress.start("directions");
  const { train, options, signal } = context;
  const { result } = await keepStep(context, "directions", {}, async () => {
    const learnt = new Map<DirectionRole, { relativeStep: number; model: DifferenceModel }>();
    const curvatures: Curvature[] = [];
    for (const {
      direction,
      info: { role },
    } of drawn) {
      const request: HvpOptions = { method: options.hvp, kinks: "frozen", ...learnt.get(role) };
      const { hv, error, step, model } = await train.hvp(direction.vector, request, signal);
      if (step !== null && model)
        learnt.set(role, { relativeStep: bestStep(model, step) / train.thetaNorm, model });
      curvatures.push({ curvature: dot(direction.vector, hv), error });
    }
    return { result: curvatures, vectors: {} };
  });
  return result;
}
