import { describe, expect, test } from "vitest";
import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { renderTrajectory } from "../../src/report/index.ts";
import { toyPath, toyTrajectory } from "../support/toy-trajectory.ts";
import { enliven, expectFits, faults, hasBrowser, type Opened, usePages, why } from "./pages.ts";
import { trajectoryVariants } from "./trajectory-variants.ts";

describe.skipIf(!hasBrowser)(`the page of a training path in a browser${why}`, () => {
  const pages = usePages();
  const open = (report: TrajectoryReport, options: Parameters<typeof pages>[1] = {}): Promise<Opened> =>
    pages((runtime) => renderTrajectory(report, { runtime }), options);

  test.each(Object.entries(trajectoryVariants))(
    "%s: every figure is drawn, nothing is said or fetched, no label is cut or covered",
    async (_, make) => {
      const { page, said } = await open(await make());
      expect(await faults(page), "static").toEqual([]);
      expect(await enliven(page)).toBeGreaterThan(1);
      expect(await faults(page), "live").toEqual([]);
      expect(await page.locator("main").textContent()).not.toMatch(/NaN|undefined|Infinity/);
      expect(said).toEqual([]);
      await page.close();
    },
  );

  test.each([
    ["phone", { viewport: { width: 360, height: 740 } }],
    ["dark", { colorScheme: "dark" as const }],
  ])("%s: fits its window and is complete", async (_, options) => {
    const opened = await open(await toyTrajectory(), options);
    await expectFits(opened);
    await opened.page.close();
  });

  test.each([false, true])(
    "slider and play show other checkpoints (directions follow: %s)",
    async (follow) => {
      const { page, said } = await open(await toyTrajectory(toyPath, { follow }));
      await enliven(page);
      const player = page.locator("#figure-animation .player");
      const panel = page.locator('[data-panel="frame-train"]');
      // Labels that come and go are no longer in the order of the axis.
      const shown = async () => [
        await page.evaluate<string>(
          `document.querySelector('[data-panel="frame-train"] image').href.baseVal`,
        ),
        ...(await panel.locator("text").allTextContents()).toSorted(),
      ];
      expect(await player.locator("output").textContent()).toBe("epoch-9000");
      const last = await shown();
      await player.locator("input").focus();
      await page.keyboard.press("ArrowLeft");
      await expect.poll(() => player.locator("output").textContent()).toBe("epoch-300");
      await expect.poll(shown).not.toEqual(last);
      expect(await panel.textContent()).toContain("epoch-300 · trainloss");
      expect(await faults(page)).toEqual([]);
      await player.locator("[data-play]").click();
      await expect.poll(() => player.locator("output").textContent(), { timeout: 5000 }).toBe("epoch-9000");
      await expect.poll(() => player.locator("[data-play]").textContent()).toContain("Play");
      // Back at the last, the same picture.
      await expect.poll(shown).toEqual(last);
      expect(said).toEqual([]);
      await page.close();
    },
  );

  test("the frame that is shown is read by pointer and keys", async () => {
    const report = await toyTrajectory();
    const { page } = await open(report);
    await enliven(page);
    const line = page.locator("#figure-animation .readout");
    const panel = page.locator('[data-panel="frame-train"]');
    await panel.focus();
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => line.textContent()).toContain("epoch-9000: train ");
    await page.locator("#figure-animation input").focus();
    await page.keyboard.press("Home");
    await panel.focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => line.textContent()).toContain("epoch-0: train 4.75");
    const map = page.locator('[data-panel="path-train"]');
    await map.focus();
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => page.locator("#figure-path .readout").textContent()).toContain("Map: train ");
    await page.close();
  });

  test("without scripts or with less motion: no control that does nothing, none that moves by itself", async () => {
    const report = await toyTrajectory();
    const { page } = await open(report, { javaScriptEnabled: false });
    expect(await page.locator(".panel svg").count()).toBe(await page.locator(".panel").count());
    expect(await page.locator("button:visible, input:visible").count()).toBe(0);
    await page.close();
    const still = await open(report, { reducedMotion: "reduce" });
    await enliven(still.page);
    expect(await still.page.locator("#figure-animation input").isVisible()).toBe(true);
    expect(await still.page.locator("[data-play]").isVisible()).toBe(false);
    await still.page.close();
  });

  test("figures and report are saved, the animation as a specification with a slider of its own", async () => {
    const { page } = await open(await toyTrajectory(), { acceptDownloads: true });
    await enliven(page);
    const save = async (selector: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator(selector).click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      return { name: download.suggestedFilename(), content: Buffer.concat(chunks) };
    };
    for (const figure of ["path", "curves", "animation"]) {
      const svg = (await save(`#figure-${figure} [data-save="svg"]`)).content.toString();
      expect(svg).not.toContain("var(--");
      const png = await save(`#figure-${figure} [data-save="png"]`);
      expect(png.content.subarray(1, 4).toString()).toBe("PNG");
    }
    const spec = JSON.parse((await save('#figure-animation [data-save="spec"]')).content.toString());
    expect(spec.params).toEqual([
      { name: "frame", value: 3, bind: { input: "range", min: 0, max: 3, step: 1 } },
    ]);
    const saved = await save("[data-save-report]");
    expect(saved.name).toBe("trajectory.json");
    await page.close();
  });
});
