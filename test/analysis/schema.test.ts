import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analysisReportSchema, reportJsonSchema } from "../../src/analysis/schema.ts";
import { sampleReport } from "../report/sample.ts";
import { variants } from "../report/variants.ts";

describe("the report's schema", () => {
  test.each(Object.entries(variants))("takes %s, whole", (_, make) => {
    const report = JSON.parse(JSON.stringify(make()));
    expect(analysisReportSchema.parse(report)).toEqual(report);
  });

  test("refuses what is no report", () => {
    const report = sampleReport();
    const wrong: unknown[] = [
      {},
      { ...report, schema: "onnx-landscape/report/2" },
      { ...report, trace: undefined },
      { ...report, checkpoint: { ...report.checkpoint, gradientNorm: Number.NaN } },
      { ...report, verdict: [{ id: "slope", answer: "maybe", text: "", evidence: [] }] },
      { ...report, planes: [{ ...report.planes[0], kind: "flat" }] },
    ];
    for (const value of wrong) expect(analysisReportSchema.safeParse(value).success).toBe(false);
  });

  test("is published as it is (npm run schema)", () => {
    const file = new URL("../../src/analysis/report.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(reportJsonSchema());
  });
});
