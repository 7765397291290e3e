import { takeOver } from "./figures.ts";
import { openForPrint, setUpCopy, setUpReport } from "./page.ts";
import { setUpSaving } from "./save.ts";
import { setUpTheme } from "./theme.ts";
import { unpack } from "./unpack.ts";

setUpTheme();
setUpCopy();
setUpReport();
openForPrint();

void start();

/** Without this the page stays as it was drawn: whole, but still. */
async function start(): Promise<void> {
  const figures = await unpack();
  for (const element of document.querySelectorAll<HTMLElement>(".figure")) {
    const data = figures[element.dataset["figure"] ?? ""];
    if (!data) continue;
    setUpSaving(element, data);
    takeOver(element, data);
  }
}
