// Writes src/analysis/report.schema.json from src/analysis/schema.ts.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const source = fileURLToPath(new URL("../src/analysis/", import.meta.url));
const [bundle] = buildSync({
  entryPoints: [`${source}schema.ts`],
  bundle: true,
  write: false,
  format: "esm",
}).outputFiles;
const module = `data:text/javascript;base64,${Buffer.from(bundle.contents).toString("base64")}`;
const { reportJsonSchema } = await import(module);
writeFileSync(`${source}report.schema.json`, `${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
