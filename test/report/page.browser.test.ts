import { describe, expect, test } from "vitest";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { renderReport } from "../../src/report/index.ts";
import { enliven, expectFits, faults, hasBrowser, type Opened, usePages, why } from "./pages.ts";
import { sampleReport } from "./sample.ts";
import { variants } from "./variants.ts";

describe.skipIf(!hasBrowser)(`the page in a browser${why}`, () => {
  const pages = usePages();
  const open = (report: AnalysisReport, options: Parameters<typeof pages>[1] = {}): Promise<Opened> =>
    pages((runtime) => renderReport(report, { runtime }), options);

  test.each(Object.entries(variants))(
    "%s: every figure is drawn, nothing is said or fetched, no label is cut or covered",
    async (name, make) => {
      const { page, said } = await open(make());
      expect(await faults(page), "static").toEqual([]);
      const figures = await enliven(page);
      expect(figures > 0).toBe(name !== "nothing computed");
      expect(await faults(page), "live").toEqual([]);
      expect(await page.locator("main").textContent()).not.toMatch(/NaN|undefined|Infinity/);
      expect(said).toEqual([]);
      await page.close();
    },
  );

  test.each([
    ["phone", { viewport: { width: 360, height: 740 } }],
    ["tablet", { viewport: { width: 800, height: 1000 } }],
    ["dark", { colorScheme: "dark" as const }],
  ])("%s: fits its window and is complete", async (kind, options) => {
    const opened = await open(sampleReport(), options);
    await expectFits(opened);
    const { page } = opened;
    const ground = await page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    expect(ground).toBe(kind === "dark" ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
    await page.close();
  });

  test("the theme can be chosen, and paper is light in any", async () => {
    const { page } = await open(sampleReport());
    const ground = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    await page.locator("#theme").click();
    await page.locator("#theme").click();
    expect(await page.locator("#theme").textContent()).toBe("Theme: dark");
    expect(await ground()).toBe("rgb(20, 23, 27)");
    await page.emulateMedia({ media: "print" });
    expect(await ground()).toBe("rgb(255, 255, 255)");
    await page.close();
  });

  test("for print all numbers are opened, and closed again", async () => {
    const { page } = await open(sampleReport());
    const closed = () => page.locator("details:not([open])").count();
    const before = await closed();
    expect(before).toBeGreaterThan(0);
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await closed()).toBe(0);
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await closed()).toBe(before);
    await page.close();
  });

  test("without scripts every figure is there, and no control that does nothing", async () => {
    const { page, said } = await open(sampleReport(), { javaScriptEnabled: false });
    expect(await page.locator(".panel svg").count()).toBe(await page.locator(".panel").count());
    expect(await page.locator("button:visible").count()).toBe(0);
    expect(said).toEqual([]);
    await page.close();
  });

  test("values are read by pointer and keys, in all planes at once", async () => {
    const { page, said } = await open(sampleReport());
    await enliven(page);
    const panel = page.locator('[data-panel="plane-0-train"]');
    await panel.scrollIntoViewIfNeeded();
    // The plot's middle is the checkpoint.
    const box = (await panel.locator("svg .background").first().boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const line = page.locator("#figure-planes .readout");
    await expect.poll(() => line.textContent()).toContain("α = 0, β = 0");
    expect(await line.textContent()).toContain("Hessian: train 0.09873");
    expect(await line.textContent()).toContain("Random: train 0.09873, test 0.3948");
    await panel.focus();
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => line.textContent()).toContain("β = 0.0163");
    await page.locator('[data-panel="where-trace"]').focus();
    await page.keyboard.press("ArrowDown");
    await expect
      .poll(() => page.locator("#figure-where .readout").textContent())
      .toContain("of the parameters; trace");
    expect(said).toEqual([]);
    await page.close();
  });

  test("figures and report are saved, whole and in resolved colours", async () => {
    const { page, said } = await open(sampleReport(), { acceptDownloads: true });
    await enliven(page);
    const save = async (selector: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator(selector).click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      return { name: download.suggestedFilename(), content: Buffer.concat(chunks) };
    };
    for (const figure of ["planes", "profiles", "spectrum", "where"]) {
      const svg = await save(`#figure-${figure} [data-save="svg"]`);
      expect(svg.name).toBe(`${figure}.svg`);
      expect(svg.content.toString()).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(svg.content.toString()).not.toContain("var(--");
      const png = await save(`#figure-${figure} [data-save="png"]`);
      expect(png.content.subarray(1, 4).toString()).toBe("PNG");
      // Three pixels per CSS pixel: 300 dpi.
      expect(png.content.readUInt32BE(16)).toBeGreaterThan(3 * 360);
      const spec = JSON.parse((await save(`#figure-${figure} [data-save="spec"]`)).content.toString());
      expect(spec.$schema).toContain("vega-lite");
      expect(Object.keys(spec.datasets).length).toBeGreaterThan(0);
      expect(JSON.stringify(spec)).not.toContain("var(--");
    }
    const report = JSON.parse((await save("[data-save-report]")).content.toString()) as AnalysisReport;
    expect(report.checkpoint).toEqual(sampleReport().checkpoint);
    expect(said).toEqual([]);
    await page.close();
  });
});
