// Writes src/analysis/*.schema.json from the schemas that check reports at run time.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const source = fileURLToPath(new URL("../src/analysis/", import.meta.url));

const { reportJsonSchema } = await load("schema.ts");
write("report.schema.json", reportJsonSchema());
const { trajectoryJsonSchema } = await load("trajectory/schema.ts");
write("trajectory.schema.json", trajectoryJsonSchema());
const { reproductionJsonSchema } = await load("reproduction/schema.ts");
write("reproduction.schema.json", reproductionJsonSchema());

async function load(name) {
  const options = { bundle: true, write: false, format: "esm" };
  const [bundle] = buildSync({ entryPoints: [source + name], ...options }).outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(bundle.contents).toString("base64")}`);
}

function write(name, schema) {
  writeFileSync(source + name, `${JSON.stringify(schema, null, 2)}\n`);
}
