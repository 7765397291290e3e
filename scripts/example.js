// Writes reports/example.html: the report of the bundled ResNet-20 on 128 training and 128 test images.
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// Relative paths, so that the report names no folder of the machine that made it.
const model = ["models/resnet20.onnx", "--data", "models/fashion-train.npz"];
const data = ["--test-data", "models/fashion-test.npz", "--samples", "128", "--test-samples", "128"];
const out = "landscape-example";
const command = ["dist/cli.js", "report", ...model, ...data, "--normalize", "0.2860,0.3530", "--out", out];
execFileSync(process.execPath, command, { cwd: root, stdio: "inherit" });
copyFileSync(join(root, out, "report.html"), join(root, "reports/example.html"));
rmSync(join(root, out), { recursive: true });
