import type { FigureData } from "../figure-data.ts";
import { resolveTokens } from "../tokens.ts";
import { compose } from "./compose.ts";
import { download } from "./download.ts";

/** Pixels per CSS pixel of a saved PNG: 300 dpi at a third of its size. */
const DENSITY = 3;

type Format = "svg" | "png" | "spec";

/** A figure as one file: all its panels, title and key, in the light colours. */
export function setUpSaving(figure: HTMLElement, data: FigureData): void {
  const tools = figure.querySelector<HTMLElement>(".tools");
  if (!tools) return;
  tools.hidden = false;
  const id = figure.dataset["figure"] ?? "figure";
  const name = () => (figure.dataset["view"] === "surface" ? `${id}-3d` : id);
  const save: Record<Format, () => void> = {
    svg: () => download(`${name()}.svg`, "image/svg+xml", compose(figure, data).svg),
    png: () => void savePng(`${name()}.png`, compose(figure, data)),
    spec: () => download(`${id}.vl.json`, "application/json", specText(data)),
  };
  for (const button of tools.querySelectorAll<HTMLElement>("[data-save]")) {
    button.addEventListener("click", save[button.dataset["save"] as Format]);
  }
}

/** The specification with its rows, so that it draws wherever it is pasted. */
function specText({ spec, datasets }: FigureData): string {
  return resolveTokens(JSON.stringify({ ...spec, datasets }));
}

async function savePng(name: string, { svg, width, height }: ReturnType<typeof compose>): Promise<void> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * DENSITY, height * DENSITY];
  const context = canvas.getContext("2d")!;
  context.scale(DENSITY, DENSITY);
  context.drawImage(image, 0, 0, width, height);
  canvas.toBlob((blob) => {
    if (blob) download(name, "image/png", blob);
  }, "image/png");
}
