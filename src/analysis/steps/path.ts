import {
  displacement,
  evaluatePlane,
  type GridResult,
  originAxis,
  type PathPosition,
  type PathWeights,
  principalAxes,
  projectPath,
  randomDirection,
} from "../../landscape/index.ts";
import type { Direction, Objective } from "../../objective/types.ts";
import { numberText, percentText } from "../number-text.ts";
import { vectorHash } from "../run/unit.ts";
import type { PathPlane, PathPoint, SurfaceValue } from "../trajectory/report.ts";
import { keepStep, type StepContext } from "./context.ts";
import { gridValues } from "./planes.ts";

/** The plane that a path is shown in, and where its checkpoints lie. */
export interface PathStep {
  readonly axes: readonly [Direction, Direction];
  readonly labels: readonly [string, string];
  readonly shares: readonly number[];
  readonly positions: readonly PathPosition[];
}

/** Room around the path on every side, as a share of its extent. */
const MARGIN = 0.2;
/** Where the path has no extent along an axis, that of the other axis times this. */
const LEAST_RATIO = 0.05;

/** Principal axes of the path, or v₊ and v₋ of the last checkpoint; and every checkpoint in their plane. */
export async function pathStep(
  context: StepContext,
  weights: PathWeights,
  kind: PathPlane["kind"],
  ends: readonly [Direction, Direction],
): Promise<PathStep> {
  context.progress.start("path");
  const { train, options } = context;
  const { result, vectors } = await keepStep(context, "path", { kind, seed: options.seed }, async () => {
    const other = () => randomDirection(train.parameters, { seed: options.seed, index: 0 }).vector;
    const found = await principalAxes(weights, other);
    const [x, y] = kind === "pca" ? found.axes : (ends.map((d) => d.vector) as [Float64Array, Float64Array]);
    const positions = await projectPath(weights, [x, y]);
    return { result: { shares: found.shares, positions }, vectors: { x, y } };
  });
  const [x, y] = ["x", "y"].map((axis) => direction(vectors[axis] as Float64Array)) as [Direction, Direction];
  const [first, second] = explained(result.positions);
  context.progress.finish(
    `${percentText(first, 3)} and ${percentText(second, 3)} of the path's squared distance on the axes`,
  );
  return {
    axes: [x, y],
    labels: kind === "pca" ? ["principal axis 1", "principal axis 2"] : ["v₊", "v₋"],
    shares: result.shares,
    positions: result.positions,
  };
}

function direction(vector: Float64Array): Direction {
  return { id: `sha256:${vectorHash(vector)}`, vector };
}

/** Shares of Σ‖θₖ − θ_last‖² along the two axes. */
export function explained(positions: readonly PathPosition[]): [number, number] {
  const sum = (value: (p: PathPosition) => number) => positions.reduce((s, p) => s + value(p) ** 2, 0);
  const total = sum((p) => p.distance) || 1;
  return [sum((p) => p.x) / total, sum((p) => p.y) / total];
}

/** The loss under the path, train and test; the grid goes beyond the path by a fifth, and θ_last is one of its points. */
export async function pathPlaneStep(
  context: StepContext,
  path: PathStep,
  kind: PathPlane["kind"],
): Promise<PathPlane> {
  context.progress.start("surface");
  const [x, y] = pathAxes(path.positions, context.options.grid);
  const { train, test }: GridResult = await evaluatePlane(context, path.axes, x, y, {
    signal: context.signal,
  });
  context.progress.finish(`min ${numberText(train.minimum.loss, 3)}`);
  return {
    kind,
    xLabel: path.labels[0],
    yLabel: path.labels[1],
    explained: explained(path.positions),
    shares: path.shares,
    x,
    y,
    train: gridValues(train),
    test: test && gridValues(test),
    range: `the path and ${percentText(MARGIN)} of its extent on every side`,
  };
}

function pathAxes(positions: readonly PathPosition[], count: number): [number[], number[]] {
  const reach = (["x", "y"] as const).map((axis) => {
    const values = positions.map((p) => p[axis]);
    return [Math.min(0, ...values), Math.max(0, ...values)] as const;
  });
  const widths = reach.map(([low, high]) => high - low);
  const widest = Math.max(...widths);
  const [x, y] = reach.map(([low, high], i) => {
    const margin = Math.max(MARGIN * (widths[i] as number), LEAST_RATIO * widest);
    return originAxis({ from: low - margin, to: high + margin }, count);
  });
  return [x as number[], y as number[]];
}

/** The surface's values right under each checkpoint, and the last graph's loss at its weights. */
export async function underPathStep(
  context: StepContext,
  path: PathStep,
  weights: PathWeights,
): Promise<Pick<PathPoint, "onPlane" | "inLastGraph">[]> {
  const { train, test, signal, progress } = context;
  progress.start("under path");
  const origin = await weights.read(weights.count - 1);
  const under: Pick<PathPoint, "onPlane" | "inLastGraph">[] = [];
  for (const [k, { x, y }] of path.positions.entries()) {
    const at = [
      { coefficient: x, direction: path.axes[0] },
      { coefficient: y, direction: path.axes[1] },
    ];
    const value = async (objective: Objective): Promise<SurfaceValue> => {
      const { loss, accuracy } = await objective.evaluate(at, signal);
      return { loss: finiteOrNull(loss), accuracy };
    };
    const onPlane = { train: await value(train), test: test && (await value(test)) };
    const away = direction(displacement(await weights.read(k), origin));
    const there = await train.evaluate([{ coefficient: 1, direction: away }], signal);
    under.push({ onPlane, inLastGraph: finiteOrNull(there.loss) });
  }
  progress.finish("");
  return under;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
