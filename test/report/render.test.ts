import { describe, expect, test } from "vitest";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { evidenceOf, follow, sectionOf } from "../../src/report/evidence.ts";
import { renderReport } from "../../src/report/index.ts";
import { compileSpec, figureSpec, renderSvg, withRows } from "../../src/report/render.ts";
import { figureSections } from "../../src/report/sections/figures.ts";
import { tokens } from "../../src/report/tokens.ts";
import { buildRuntime } from "./runtime.ts";
import { sampleReport } from "./sample.ts";
import { hostile, largeReport, variants } from "./variants.ts";
import { visible } from "./visible.ts";

async function render(report: AnalysisReport, runtime = ""): Promise<{ page: string; said: string[] }> {
  const said: string[] = [];
  return { page: await renderReport(report, { runtime, warn: (message) => said.push(message) }), said };
}

describe.each(Object.entries(variants))("%s", (_, make) => {
  test("draws without a warning, a hole or a number that is none", async () => {
    const { page, said } = await render(make());
    expect(said).toEqual([]);
    expect(visible(page)).not.toMatch(/NaN|undefined|null|Infinity|\[object|not a number|∞/);
    expect(page.replace(/<script[\s\S]*?<\/script>/g, "")).not.toMatch(/NaN|undefined/);
  });

  test("every figure compiles as one specification, rows included", async () => {
    const said: string[] = [];
    const warn = (message: string) => said.push(message);
    for (const figure of figureSections(make()).flatMap((s) => s.figures)) {
      const rows = Object.assign({}, ...figure.panels.map((p) => p.datasets));
      const vega = compileSpec(figureSpec(figure), warn);
      const svg = await renderSvg(withRows(vega, rows), warn);
      expect(svg).not.toMatch(/NaN|undefined/);
    }
    expect(said).toEqual([]);
  });
});

test("the page says what it may load: nothing", async () => {
  const { page } = await render(sampleReport());
  const head = page.slice(0, page.indexOf("</head>"));
  expect(head).toContain(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:",
  );
  const links = [...page.matchAll(/(?:href|src|url)\s*[=(]\s*"?([^"\s)>]+)/g)].map((m) => m[1]!);
  expect(links.filter((link) => !/^(#|data:|url$)/.test(link))).toEqual([]);
});

test("names from files stay text", async () => {
  const { page } = await render(variants["markup in names"]!());
  expect(page).not.toContain(hostile);
  expect(page.match(/<script/g)).toHaveLength(3);
  expect(page.match(/<\/script/g)).toHaveLength(3);
  expect(page).toContain("&lt;/script&gt;&lt;script&gt;fail(&quot;&#39;&amp;amp;$&amp;");
});

test("the page carries the report", async () => {
  const report = sampleReport();
  const { page } = await render(report);
  const json = page.match(/<script type="application\/json" id="report-data">(.*?)<\/script>/)![1]!;
  const carried = JSON.parse(json) as AnalysisReport;
  expect({ ...carried, planes: [] }).toEqual({ ...report, planes: [] });
  const [there, here] = [carried.planes[0]!.train.loss[3]![4]!, report.planes[0]!.train.loss[3]![4]!];
  // Six digits.
  expect(Math.abs(there - here)).toBeLessThanOrEqual(5e-6 * Math.abs(here));
});

test("the same report makes the same bytes", async () => {
  const [first, second] = [await render(sampleReport()), await render(sampleReport())];
  expect(first.page === second.page).toBe(true);
});

test("every sentence's evidence is shown, linked and in the report", async () => {
  const report = sampleReport();
  const { page } = await render(report);
  for (const path of report.verdict.flatMap((s) => s.evidence)) {
    expect(follow(report, path)).not.toBeUndefined();
    expect(page).toContain(`<a href="#${sectionOf(path)}"><code>${path}</code></a>`);
    expect(page).toContain(`id="${sectionOf(path)}"`);
  }
  expect(evidenceOf(report, "checkpoint.gradientNorm")).toBe("1.9101508");
  expect(evidenceOf(report, "randomSlices.planes")).toBe("400");
  expect(evidenceOf(report, "subsets")).toBe("not computed");
  expect(evidenceOf(report, "eigenpairs.pairs[99].value")).toBe("is not in this report");
  expect(evidenceOf(report, "constructor")).toBe("is not in this report");
});

test("titles state the finding with the report's numbers", () => {
  const titles = Object.fromEntries(
    figureSections(sampleReport()).flatMap((s) => s.figures.map((f) => [f.id, f.title] as const)),
  );
  expect(titles["planes"]).toBe(
    "The lowest training loss lies below L(0) = 0.0987 by 17.3 % on the Hessian plane, 0 % on the random plane, 0 % on the filter-normalised plane",
  );
  expect(titles["profiles"]).toContain("Along v₋ the training loss falls 17.3 %");
  expect(titles["spectrum"]).toContain("is 66.9 times |λ₋|");
  expect(titles["density"]).toMatch(
    /^Of 269,434 eigenvalues .* lie below −0\.031 and .* above 0\.031 \(3 probes\)$/,
  );
  expect(titles["slices"]).toMatch(/^Fewer than 0\.95 % of random planes show a saddle; on average κ₊ = /);
});

test("what was not computed is said, not drawn", async () => {
  const { page } = await render(variants["nothing computed"]!());
  expect(page).not.toContain("<figure");
  for (const words of [
    "No planes were computed",
    "No profiles were computed",
    "Density of the spectrum.",
    "Random planes were not drawn",
  ]) {
    expect(page).toContain(words);
  }
  expect((await render(variants["regression, tiny losses"]!())).page).toContain(
    "No accuracy: the loss is mse",
  );
});

// Landscaper fills such cells, and adds noise to the others.
test("cells without a finite loss are hatched, counted and named in the key", async () => {
  const { page } = await render(variants["cells without a finite loss"]!());
  const cells = variants["cells without a finite loss"]!().planes.reduce(
    (n, p) => n + p.train.nonFinite + p.test!.nonFinite,
    0,
  );
  expect(page).toContain(`${cells} cells without a finite loss are grey and hatched`);
});

test("a page with 51 × 51 grids and the runtime is at most 1.5 MB", async () => {
  const runtime = await buildRuntime();
  expect(runtime.length).toBeLessThan(500_000);
  const sample = (await render(sampleReport(), runtime)).page;
  expect(Buffer.byteLength(sample)).toBeLessThan(1_300_000);
  const large = (await render(largeReport(), runtime)).page;
  expect(Buffer.byteLength(large)).toBeLessThan(1_500_000);
}, 60_000);

test("text and roles contrast with the page in both themes", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((k) => Number.parseInt(hex.slice(k, k + 2), 16) / 255) as [
      number,
      number,
      number,
    ];
    const linear = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const contrast = (a: string, b: string) => {
    const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };
  // WCAG 2.2: 4.5 for text, 3 for graphics.
  const needed = {
    text: 4.5,
    muted: 4.5,
    link: 4.5,
    ok: 4.5,
    look: 4.5,
    failed: 4.5,
    top: 3,
    bottom: 3,
    random: 3,
    filter: 3,
  };
  for (const theme of [0, 1] as const) {
    for (const [name, least] of Object.entries(needed)) {
      for (const ground of ["bg", "panel"]) {
        const [colour, under] = [tokens[name]![theme], tokens[ground]![theme]];
        expect(contrast(colour, under), `${name} on ${ground}`).toBeGreaterThanOrEqual(least);
      }
    }
  }
});
