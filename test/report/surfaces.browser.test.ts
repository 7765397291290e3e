import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { renderReport } from "../../src/report/index.ts";
import { parseObj, parseVtk } from "../support/meshes.ts";
import { hasBrowser, type Opened, usePages, why } from "./pages.ts";
import { sampleReport } from "./sample.ts";
import { variants } from "./variants.ts";

/** The planes' section alone. */
function planesOnly(report: AnalysisReport): AnalysisReport {
  const { model, data, checkpoint, directions, planes, provenance } = report;
  return { ...variants["nothing computed"]!(), model, data, checkpoint, directions, planes, provenance };
}

describe.skipIf(!hasBrowser)(`surfaces in a browser${why}`, () => {
  const pages = usePages();

  /** Pages by report: drawing one takes longer than all else here. */
  const drawn = new Map<typeof sampleReport, Promise<string>>();

  async function opened(
    make: typeof sampleReport,
    options: Parameters<typeof pages>[1] = {},
  ): Promise<Opened> {
    const one = await pages((runtime) => {
      if (!drawn.has(make)) drawn.set(make, renderReport(planesOnly(make()), { runtime }));
      return drawn.get(make)!;
    }, options);
    await one.page.locator("#figure-planes[data-live]").waitFor();
    await one.page.locator('#figure-planes [data-view="surface"]').click();
    await painted(one.page);
    return one;
  }

  /** The pictures of the figure's canvases, once the frame is drawn. */
  async function painted(page: Page): Promise<string[]> {
    return page.evaluate<
      string[]
    >(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
      done([...document.querySelectorAll("#figure-planes canvas")].map((c) => c.toDataURL())))))`);
  }

  /** The pictures once every one differs from what it was: events reach a busy page frames later. */
  async function repainted(page: Page, from: readonly string[]): Promise<string[]> {
    let now: string[] = [];
    const changed = async () => {
      now = await painted(page);
      return now.every((picture, k) => picture !== from[k]);
    };
    await expect.poll(changed, { timeout: 10_000 }).toBe(true);
    return now;
  }

  test("the map is there first; in its place comes a picture of every panel, and the map again", async () => {
    const { page, said } = await opened(sampleReport);
    const map = page.locator('[data-panel="plane-0-train"]');
    expect(await page.locator("#figure-planes canvas:visible").count()).toBe(6);
    expect(await map.isVisible()).toBe(false);
    expect(new Set(await painted(page)).size).toBe(6);
    // Paper has the maps, whatever is shown.
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("canvas:visible").count()).toBe(0);
    expect(await map.isVisible()).toBe(true);
    expect(await page.locator(".views:visible").count()).toBe(0);
    await page.emulateMedia({ media: "screen" });
    // The accuracies and changes have a view of their own.
    expect(await page.locator("#figure-accuracy canvas").count()).toBe(0);
    await page.locator('#figure-planes [data-view="map"]').click();
    expect(await map.isVisible()).toBe(true);
    expect(await page.locator("canvas:visible").count()).toBe(0);
    expect(said).toEqual([]);
    await page.close();
  });

  test("all turn together: by keys, sliders and dragging, and back", async () => {
    const { page, said } = await opened(sampleReport);
    const first = await painted(page);
    const canvas = page.locator("#figure-planes canvas").first();
    const turn = page.locator('#figure-planes [data-camera="turn"]');
    await canvas.focus();
    await page.keyboard.press("ArrowRight");
    const second = await repainted(page, first);
    expect(await turn.getAttribute("aria-valuetext")).toBe("40 degrees");
    await page.keyboard.press("ArrowUp");
    const third = await repainted(page, second);
    await turn.fill("-90");
    const fourth = await repainted(page, third);
    const box = (await canvas.boundingBox())!;
    await page.mouse.move(box.x + 150, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + 170, box.y + 150);
    await page.mouse.up();
    await repainted(page, fourth);
    // Half a degree for a pixel.
    expect(Number(await turn.inputValue())).toBeCloseTo(-80, 6);
    await page.mouse.move(0, 0);
    await page.locator("#figure-planes [data-camera-reset]").click();
    expect(await turn.getAttribute("aria-valuetext")).toBe("35 degrees");
    expect(said).toEqual([]);
    await page.close();
  });

  test("a cell is read where it is seen", async () => {
    const { page } = await opened(sampleReport);
    // Level with the eye from above, the middle of the picture is the checkpoint.
    await page.locator('#figure-planes [data-camera="turn"]').fill("0");
    await page.locator('#figure-planes [data-camera="tilt"]').fill("90");
    const before = await painted(page);
    const box = (await page.locator("#figure-planes canvas").first().boundingBox())!;
    await page.mouse.move(box.x + box.width * (190 / 368), box.y + box.height * (184 / 363));
    const line = page.locator("#figure-planes .readout");
    await expect.poll(() => line.textContent()).toContain("α = 0, β = 0");
    expect(await line.textContent()).toContain("Hessian: train 0.09873");
    await repainted(page, before);
    await page.close();
  });

  test("the picture follows the theme, and fits a phone", async () => {
    const { page, said } = await opened(sampleReport, { viewport: { width: 360, height: 740 } });
    const light = await painted(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await repainted(page, light);
    const [content, window] = await page.evaluate<[number, number]>(
      "[document.documentElement.scrollWidth, innerWidth]",
    );
    expect(content).toBeLessThanOrEqual(window);
    expect(said).toEqual([]);
    await page.close();
  });

  test("what is saved is what is shown: drawn, in light colours", async () => {
    const { page, said } = await opened(variants["cells without a finite loss"]!, { acceptDownloads: true });
    const save = async (selector: string) => {
      const button = page.locator("#figure-planes").locator(selector);
      const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      return { name: download.suggestedFilename(), content: Buffer.concat(chunks) };
    };
    const svg = await save('[data-save="svg"]');
    expect(svg.name).toBe("planes-3d.svg");
    expect(svg.content.toString()).not.toMatch(/var\(--|NaN/);
    // Six surfaces of some thousand patches each, over grey holes.
    expect(svg.content.toString().match(/<path/g)!.length).toBeGreaterThan(6 * 1000);
    expect(svg.content.toString()).toContain('fill="#8a8a8a"');
    const png = await save('[data-save="png"]');
    expect(png.name).toBe("planes-3d.png");
    expect(png.content.readUInt32BE(16)).toBeGreaterThan(3 * 360);
    const vtk = await save('[data-solid="vtk"] >> nth=0');
    expect(vtk.name).toBe("surface-hessian.vtk");
    const { planes } = variants["cells without a finite loss"]!();
    const grid = parseVtk(vtk.content);
    expect(grid.dimensions).toEqual([planes[0]!.x.length, planes[0]!.y.length, 1]);
    expect(Object.keys(grid.scalars)).toEqual(["train_loss", "train_accuracy", "test_loss", "test_accuracy"]);
    const missing = grid.scalars["train_loss"]!.filter(Number.isNaN).length;
    expect(missing).toBe(planes[0]!.train.nonFinite);
    const obj = await save('[aria-label="Filter-normalised plane as OBJ"]');
    expect(obj.name).toBe("surface-filter-normalised.obj");
    expect(parseObj(obj.content.toString()).objects.map((o) => o.name)).toEqual(["train_loss", "test_loss"]);
    expect((await save('[data-save="spec"]')).name).toBe("planes.vl.json");
    expect(said).toEqual([]);
    await page.close();
  });
});
