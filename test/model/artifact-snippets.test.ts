import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(root + path, "utf8");

// scripts/artifacts/check.js runs the files; the page must show what runs.
it.each(["run.py", "run.js", "run.cpp"])("docs/artifacts.md shows %s as it is", (name) => {
  expect(read("docs/artifacts.md")).toContain(read(`scripts/artifacts/${name}`).trim());
});
