import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LandscapeError } from "../errors.ts";

/** Beside this module in the package; in a clone's src, the one that was last built. */
const places = ["./page.bundle.js", "../../dist/report/page.bundle.js"];

/** The script of the page, bundled by `npm run build` from src/report/browser. */
export function loadRuntime(): string {
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (found === undefined) {
    throw new LandscapeError(
      "INTERNAL",
      "cannot write the report: its script report/page.bundle.js is missing from this installation. run: npm run build",
    );
  }
  return readFileSync(found, "utf8");
}
