import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The table of docs/method.md, without its two heads. */
const rows = file("docs/method.md")
  .split("## Where other tools go wrong")[1]!
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, tool, defect, , test]) => ({ tool: tool!, defect: defect!, test: test!.replaceAll("`", "") }));

const names = [...new Set(rows.map((r) => r.tool))];
/** Whole names: loss-landscape is neither loss-landscapes nor loss-landscape-anim. */
const mentions = (text: string, tool: string): number =>
  text.match(new RegExp(`(?<![\\w-])${tool}(?![\\w-])`, "g"))?.length ?? 0;

describe("docs/method.md, where other tools go wrong", () => {
  it("has a row for each defect", () => {
    expect(rows).toHaveLength(21);
    expect(names).toHaveLength(7);
  });

  it.each(rows)("$tool: $defect", ({ tool, test }) => {
    const there = rows.filter((row) => row.tool === tool && row.test === test).length;
    expect(mentions(file(`test/${test}.test.ts`), tool)).toBeGreaterThanOrEqual(there);
  });
});
