import type { FigureData } from "../figure-data.ts";

/** Specifications and rows of all figures, by figure. */
export async function unpack(): Promise<Readonly<Record<string, FigureData>>> {
  const text = document.getElementById("figure-data")?.textContent ?? "";
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return (await new Response(stream).json()) as Readonly<Record<string, FigureData>>;
}
