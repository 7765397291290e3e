// Times of one objective in one thread: for every line on stdin, one line of JSON with seconds.
import { createInterface } from "node:readline";
import { openProblem } from "../../dist/objective/index.js";

const folder = process.argv[2];
const problem = await openProblem({
  model: `${folder}/model.onnx`,
  params: [],
  freeze: [],
  train: { path: `${folder}/data.npz`, split: "train", samples: null, target: "y", normalization: undefined },
  test: null,
  loss: { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null },
  device: "cpu",
  threads: 1,
  workers: 1,
  memory: 2 ** 30,
  batch: process.env.BATCH ? Number(process.env.BATCH) : null,
});
const { train } = problem;
const v = Float64Array.from({ length: train.n }, (_, i) => Math.sin(i));
const d = [{ coefficient: 1e-3, direction: { id: "v", vector: v } }];
const fd = { method: "fd", kinks: "frozen", relativeStep: 1e-4 };

const seconds = async (work) => {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
};

for await (const _ of createInterface({ input: process.stdin })) {
  const times = {
    loss: await seconds(() => train.evaluate(d)),
    gradient: await seconds(() => train.gradient(d)),
    "gradient (checkpoint)": await seconds(() => train.gradient()),
    "product (difference)": await seconds(() => train.hvp(v, fd)),
    "product (exact)": await seconds(() => train.hvp(v, { method: "exact", kinks: "frozen" })),
  };
  process.stdout.write(`${JSON.stringify(times)}\n`);
}
console.error(`batch ${problem.batch}, peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
await problem.close();
