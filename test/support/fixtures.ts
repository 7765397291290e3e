import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";

/** The reference checkpoints lie beside the clone, not in it; tests that need them are skipped without. */
const root = fileURLToPath(new URL("../../../shared/fixtures/", import.meta.url));

/** Absolute path of a file or folder of the fixtures; undefined when it is not there. */
export function fixture(path: string): string | undefined {
  const absolute = root + path;
  return existsSync(absolute) ? absolute : undefined;
}

/** As `fixture`, inside a `describeWithFixtures` block, where the folder is known to be there. */
export function requireFixture(path: string): string {
  const found = fixture(path);
  if (found === undefined) throw new Error(`no such fixture: ${path}`);
  return found;
}

/** Absolute path of a bundled checkpoint or data file in `models/`. */
export function bundled(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
}

/** A `describe` block that needs the fixtures; skipped, and saying why in its name, without them. */
export function describeWithFixtures(name: string, body: () => void): void {
  if (existsSync(root)) describe(name, body);
  else describe.skip(`${name} (skipped: ../shared/fixtures is not there)`, body);
}
