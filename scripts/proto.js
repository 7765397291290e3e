// Regenerates the static protobuf module of the ONNX format from onnx-ml.proto (taken unchanged from
// the onnx project; it is the variant that every runtime is built with).
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("../src/onnx/proto/", import.meta.url));
const tools = fileURLToPath(new URL("../node_modules/protobufjs-cli/bin/", import.meta.url));

function run(tool, ...args) {
  execFileSync(process.execPath, [tools + tool, ...args], { cwd, stdio: "inherit" });
}

const module = [
  ...["--target", "static-module", "--wrap", "esm", "--es6", "--keep-case", "--root", "onnx-landscape"],
  // 64-bit integers must stay exact.
  "--force-long",
  ...["--no-verify", "--no-convert", "--no-delimited", "--no-typeurl", "--no-service"],
];

// pbts reads the types out of the comments; the module that is shipped has none.
run("pbjs", ...module, "--out", "commented.js", "onnx-ml.proto");
run("pbts", "--no-comments", "--out", "onnx.d.ts", "commented.js");
run("pbjs", ...module, "--no-comments", "--out", "onnx.js", "onnx-ml.proto");
rmSync(`${cwd}commented.js`);

// pbts writes the import of a CommonJS file.
const types = readFileSync(`${cwd}onnx.d.ts`, "utf8");
writeFileSync(
  `${cwd}onnx.d.ts`,
  types.replace('import Long = require("long");', 'import type Long from "long";'),
);
