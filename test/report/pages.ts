import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { buildRuntime } from "./runtime.ts";

const executable = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);

export const hasBrowser: boolean = executable !== undefined;
/** What a skipped block says in its name. */
export const why: string = executable ? "" : " (skipped: no Chromium here; name one in $CHROMIUM)";

export interface Opened {
  readonly page: Page;
  /** Everything that should not be there: console output, exceptions, requests. */
  readonly said: string[];
}

type PageOptions = Parameters<Browser["newPage"]>[0];

/** A browser for the tests of a block, and the page's script: opens what `render` makes with it. */
export function usePages(): (
  render: (runtime: string) => Promise<string>,
  options?: PageOptions,
) => Promise<Opened> {
  let pages: Pages;
  let runtime: string;
  beforeAll(async () => {
    runtime = await buildRuntime();
    pages = await Pages.launch();
  });
  afterAll(() => pages?.close());
  return async (render, options = {}) => pages.open(await render(runtime), options);
}

/** Opens pages from a file in a browser, as readers do. */
class Pages {
  private readonly browser: Browser;
  private readonly folder = mkdtempSync(join(tmpdir(), "report-page-"));

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async launch(): Promise<Pages> {
    return new Pages(
      await chromium.launch({
        executablePath: executable!,
        args: ["--headless", "--no-sandbox", "--disable-gpu"],
      }),
    );
  }

  async open(html: string, options: PageOptions): Promise<Opened> {
    const file = join(this.folder, "report.html");
    writeFileSync(file, html);
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    const said: string[] = [];
    const { href } = pathToFileURL(file);
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (request.url() !== href && !/^(data|blob):/.test(request.url()))
        said.push(`request: ${request.url()}`);
    });
    await page.goto(href);
    return { page, said };
  }

  async close(): Promise<void> {
    await this.browser.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Scrolls through all figures and waits until each is a live view. */
export async function enliven(page: Page): Promise<number> {
  const figures = await page.locator(".figure").all();
  for (const figure of figures) {
    await figure.scrollIntoViewIfNeeded();
    await figure.and(page.locator("[data-live]")).waitFor({ state: "attached", timeout: 15_000 });
  }
  return figures.length;
}

const faultsSource = readFileSync(new URL("./faults.js", import.meta.url), "utf8").replace(
  /^[\s\S]*?export /,
  "",
);

/** See faults.js. */
export function faults(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(${faultsSource})()`);
}

/** A page, once live, fits its window, has no fault and says and fetches nothing. */
export async function expectFits({ page, said }: Opened): Promise<void> {
  await enliven(page);
  const [content, window] = await page.evaluate<[number, number]>(
    "[document.documentElement.scrollWidth, innerWidth]",
  );
  expect(content).toBeLessThanOrEqual(window);
  expect(await faults(page)).toEqual([]);
  expect(said).toEqual([]);
}
