import { describe, expect, test } from "vitest";
import { renderReproduction } from "../../src/report/index.ts";
import { enliven, expectFits, faults, hasBrowser, type Opened, usePages, why } from "./pages.ts";
import { sampleReproduction } from "./reproduction-sample.ts";

describe.skipIf(!hasBrowser)(`the page of the paper's experiments in a browser${why}`, () => {
  const pages = usePages();
  const open = (options: Parameters<typeof pages>[1] = {}): Promise<Opened> =>
    pages((runtime) => renderReproduction(sampleReproduction(), { runtime }), options);

  test("every figure is drawn, nothing is said or fetched, no label is cut or covered", async () => {
    const { page, said } = await open();
    expect(await faults(page), "static").toEqual([]);
    expect(await enliven(page)).toBe(7);
    expect(await faults(page), "live").toEqual([]);
    expect(await page.locator("main").textContent()).not.toMatch(/NaN|undefined|Infinity/);
    expect(said).toEqual([]);
    await page.close();
  });

  test.each([
    ["phone", { viewport: { width: 360, height: 740 } }],
    ["dark", { colorScheme: "dark" as const }],
  ])("%s: fits its window and is complete", async (_, options) => {
    const opened = await open(options);
    await expectFits(opened);
    await opened.page.close();
  });

  test("values under the pointer are those of the figure's own network, and of the toys' bars", async () => {
    const { page } = await open();
    await enliven(page);
    const read = async (figure: string, panel: string) => {
      await page.locator(`[data-panel="${panel}"]`).focus();
      await page.keyboard.press("ArrowRight");
      const line = page.locator(`#figure-${figure} .readout`);
      await expect.poll(() => line.textContent()).not.toBe("");
      return line.textContent();
    };
    expect(await read("network-0-planes", "network-0-plane-0-train")).toMatch(/train [\d.]+/);
    // The approximator has no accuracy, the classifier has.
    expect(await read("network-1-accuracy", "network-1-accuracy-0-train")).toMatch(/%/);
    expect(await read("toy-curvatures", "toy-curvatures-0")).toContain("of planes");
    await page.close();
  });

  test("the report is saved under its name", async () => {
    const { page } = await open({ acceptDownloads: true });
    await enliven(page);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator("[data-save-report]").click(),
    ]);
    expect(download.suggestedFilename()).toBe("reproduce.json");
    await page.close();
  });
});
