// Bundles the script of the report's pages: src/report/browser and the parts of Vega that draw a view.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Whose code is bundled; their licences ask to be kept with it. d3's parts share one. */
const bundled = ["vega", "d3-scale"];

/** Writes the bundle to `outfile`. */
export function buildReportRuntime(outfile) {
  buildSync({
    entryPoints: [`${root}src/report/browser/main.ts`],
    outfile,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    banner: { js: `/*\n${bundled.map(license).join("\n")}*/` },
    logLevel: "warning",
  });
}

function license(name) {
  return `${name}:\n${readFileSync(`${root}node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
}
