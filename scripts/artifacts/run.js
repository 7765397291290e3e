// Runs a gradient graph that "onnx-landscape gradient models/fcnn2.onnx … --emit FILE" wrote.
import process from "node:process";
import { InferenceSession, Tensor } from "onnxruntime-node";

// Parameters are inputs with defaults; of each onnxruntime warns that it cannot treat it as a constant.
const session = await InferenceSession.create(process.argv[2], { logSeverityLevel: 3 });

const x = new Tensor(
  "float32",
  Float32Array.from({ length: 50 }, (_, i) => i / 32 - 0.75),
  [50, 1],
);
const { loss, ...gradients } = await session.run({ input: x, y: x });
let sum = 0;
for (const { data } of Object.values(gradients)) for (const g of data) sum += g * g;
console.log(loss.data[0], Math.sqrt(sum));
// onnxruntime-node leaves out what is no required input: feed parameters from Python or C++.
