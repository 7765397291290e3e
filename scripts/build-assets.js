// What tsc leaves out of dist: files that are not TypeScript, the script of the report's pages, and the
// executable bit.
import { chmodSync, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildReportRuntime } from "./report-runtime.js";

/** Paths under src/, copied to the same place under dist/. */
const ASSETS = [
  "onnx/proto/onnx.js",
  "onnx/proto/onnx.d.ts",
  "analysis/report.schema.json",
  "analysis/trajectory.schema.json",
  "analysis/reproduction.schema.json",
];

const root = fileURLToPath(new URL("..", import.meta.url));

for (const asset of ASSETS) {
  const target = `${root}dist/${asset}`;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(`${root}src/${asset}`, target);
}

buildReportRuntime(`${root}dist/report/page.bundle.js`);

const cli = `${root}dist/cli.js`;
if (existsSync(cli)) chmodSync(cli, 0o755);
