// Bundles the script of the report's pages: src/report/browser and the parts of Vega that draw a view.
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const entry = fileURLToPath(new URL("../src/report/browser/main.ts", import.meta.url));

/** Writes the bundle to `outfile`. */
export function buildReportRuntime(outfile) {
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
}
