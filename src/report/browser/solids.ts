import { objFile } from "../surface/obj.ts";
import { vtkFile } from "../surface/vtk.ts";
import { download } from "./download.ts";
import type { Live } from "./readout.ts";
import { shownIn } from "./shown.ts";

/** Hands out a figure's planes as files for other programs, made from the values that the page carries. */
export function setUpSolids(figure: HTMLElement, live: readonly Live[]): void {
  const tools = figure.querySelector<HTMLElement>(".solids");
  if (!tools) return;
  tools.hidden = false;
  for (const button of tools.querySelectorAll<HTMLElement>("[data-solid]")) {
    const { solid, of } = button.dataset;
    button.addEventListener("click", () => {
      const one = live.find(({ panel }) => panel.id === of);
      const shown = one && shownIn(one.panel.pick, one.view);
      if (!shown) return;
      const title = `${document.title}, ${shown.name} plane`;
      const name = `surface-${shown.name.toLowerCase()}`;
      if (solid === "vtk") download(`${name}.vtk`, "application/octet-stream", vtkFile(title, shown));
      else download(`${name}.obj`, "model/obj", objFile(title, shown, one.panel.surface?.colours ?? ""));
    });
  }
}
