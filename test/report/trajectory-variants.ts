import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { type ToyPath, toyPath, toyTrajectory } from "../support/toy-trajectory.ts";
import { hostile } from "./variants.ts";

/** Three images of a long run: names as long as people give them. */
const long: ToyPath = {
  ...toyPath,
  names: toyPath.displacements.map((_, k) => `resnet56-cifar10-seed3-epoch-000${k}00-of-300-final`),
};

/** Kinds of trajectory whose page must be whole. */
export const trajectoryVariants: Readonly<Record<string, () => Promise<TrajectoryReport>>> = {
  "principal plane, fixed directions": () => toyTrajectory(),
  "Hessian plane, directions that follow": () => toyTrajectory(toyPath, { plane: "hessian", follow: true }),
  "classes, long names, no steps": () =>
    toyTrajectory({ ...withoutSteps(long), classes: true, otherDifferences: ["bn1.running_mean"] }),
  "no test data, no frames": () => toyTrajectory({ ...toyPath, test: false }, { frames: 0 }),
  "two checkpoints": () =>
    toyTrajectory({
      ...withoutSteps(toyPath),
      displacements: [toyPath.displacements[0]!, Array(10).fill(0)],
    }),
  "markup in names": () =>
    toyTrajectory({ ...withoutSteps(toyPath), names: toyPath.displacements.map((_, k) => `${k}${hostile}`) }),
  "losses below 0, one not finite": async () => {
    const report = await toyTrajectory({ ...toyPath, offset: -3 });
    const [first, ...rest] = report.checkpoints;
    const onPlane = { train: { loss: null, accuracy: null }, test: null };
    return { ...report, checkpoints: [{ ...first!, onPlane, inLastGraph: null }, ...rest] };
  },
};

function withoutSteps({ steps: _, ...path }: ToyPath): ToyPath {
  return path;
}
