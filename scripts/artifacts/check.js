// Runs the snippets of docs/artifacts.md on a graph that is emitted here, and says whether they agree.
//   PYTHON=python3 ORT=DIR node scripts/artifacts/check.js
// PYTHON has onnxruntime and numpy; DIR/include and DIR/lib have onnxruntime's C++ headers and library.
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = `${root}scripts/artifacts/`;
const folder = mkdtempSync(join(tmpdir(), "artifacts-"));
const graph = join(folder, "gradient.onnx");
const run = (program, ...args) =>
  execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

const model = [`${root}models/fcnn2.onnx`, "--data", `${root}models/fcnn-train.npz`];
run("node", `${root}dist/cli.js`, "gradient", ...model, "--emit", graph);

const outputs = { JavaScript: run("node", `${here}run.js`, graph) };
const { PYTHON, ORT } = process.env;
if (PYTHON) outputs.Python = run(PYTHON, `${here}run.py`, graph);
if (ORT) {
  const program = join(folder, "run");
  const library = ["-I", `${ORT}/include`, "-L", `${ORT}/lib`, "-lonnxruntime", `-Wl,-rpath,${ORT}/lib`];
  run("g++", "-std=c++17", `${here}run.cpp`, ...library, "-o", program);
  outputs["C++"] = run(program, graph);
}

const numbers = Object.entries(outputs).map(([language, text]) => [
  language,
  text.trim().split(/\s+/).map(Number),
]);
for (const [language, found] of numbers) console.log(language.padEnd(12), found.join("  "));
// Three runtimes of different age: float32 sums of 50 samples, printed with six digits by C++.
const expected = numbers.at(-1)[1];
const agree = numbers.every(([, found]) => found.every((x, i) => Math.abs(x / expected[i] - 1) < 1e-4));
for (const [name, given] of Object.entries({ PYTHON, ORT }))
  if (!given) console.log(`not run: ${name} is not set`);
console.log(agree ? "all agree" : "they differ");
process.exitCode = agree ? 0 : 1;
