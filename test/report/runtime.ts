import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The page's script as `npm run build` makes it, from the sources as they are. */
export async function buildRuntime(): Promise<string> {
  const script = new URL("../../scripts/report-runtime.js", import.meta.url).href;
  const { buildReportRuntime } = (await import(script)) as { buildReportRuntime: (outfile: string) => void };
  const folder = mkdtempSync(join(tmpdir(), "report-runtime-"));
  try {
    buildReportRuntime(join(folder, "runtime.js"));
    return readFileSync(join(folder, "runtime.js"), "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
