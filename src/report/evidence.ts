import { numberText } from "../analysis/number-text.ts";

/** The section of the page that shows what a path of the report holds. */
export function sectionOf(path: string): string {
  const root = path.match(/^\w+/)?.[0] ?? "";
  return sections[root] ?? "provenance";
}

const sections: Readonly<Record<string, string>> = {
  model: "not-computed",
  checkpoint: "verdict",
  eigenpairs: "spectrum",
  trace: "where",
  directions: "profiles",
  profiles: "profiles",
  planes: "planes",
  curvatureByScale: "profiles",
  where: "where",
  density: "spectrum",
  subsets: "spectrum",
  randomSlices: "slices",
  lossSlices: "slices",
  health: "health",
};

/** What the report holds at a path such as `eigenpairs.pairs[0].value`, in words. */
export function evidenceOf(report: object, path: string): string {
  const found = follow(report, path);
  if (found === undefined) return "is not in this report";
  if (found === null) return "not computed";
  if (typeof found === "object") {
    const parts = Object.entries(found).map(([key, value]) => `${key} ${plain(value)}`);
    return parts.length > 6 ? `${parts.length} entries` : parts.join(", ");
  }
  return plain(found);
}

function plain(value: unknown): string {
  if (typeof value === "number") return numberText(value, 8);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null) return "not computed";
  if (Array.isArray(value)) return `${value.length} values`;
  return typeof value === "object" ? "…" : String(value);
}

/** Steps along own properties only. */
export function follow(root: unknown, path: string): unknown {
  let here = root;
  for (const key of path.match(/[^.[\]]+/g) ?? []) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}
