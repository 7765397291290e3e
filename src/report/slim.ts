/**
 * Vega's SVG at half its size: coordinates to a tenth of a pixel (half a pixel where a line should be sharp
 * stays), and without attributes that only repeat a default. The picture is the same. Ids are
 * counted anew under a prefix: many pictures share the page, and Vega counts on from one to the next.
 */
export function slimSvg(svg: string, prefix: string): string {
  return renameIds(svg, prefix)
    .replace(/ (d|transform|x|y|x2|y2|width|height)="([^"]*)"/g, (whole, name: string, value: string) =>
      value.startsWith("data:") ? whole : ` ${name}="${shorten(value)}"`,
    )
    .replace(/<path class="(?:background|foreground)" aria-hidden="true" d="(?:M0,0h0v0h0Z)?"[^>]*\/>/g, "")
    .replace(
      / (?:pointer-events="none"|opacity="1"|font-weight="normal"|font-family="system-ui[^"]*"|version="1.1")/g,
      "",
    )
    .replace(/ (?:aria-hidden="true"|stroke-width="1"|xmlns:xlink="[^"]*")/g, "")
    .replace(/ role="graphics-(?:object|symbol)"/g, "")
    .replace(/ aria-(?:roledescription|label)="[^"]*"/g, "")
    .replace(/ class="mark-[^"]*"/g, "")
    .replace(/ transform="translate\(0,0\)"/g, "")
    .replace(/xlink:href/g, "href")
    .replace(/<g>\s*<\/g>/g, "");
}

function shorten(value: string): string {
  return value.replace(/-?\d*\.\d+(?:e-?\d+)?/g, (number) => String(Math.round(Number(number) * 10) / 10));
}

function renameIds(svg: string, prefix: string): string {
  const names = new Map<string, string>();
  const rename = (id: string) => {
    if (!names.has(id)) names.set(id, `${prefix}-${names.size}`);
    return names.get(id)!;
  };
  return svg
    .replace(/url\(#([^)]+)\)/g, (_, id: string) => `url(#${rename(id)})`)
    .replace(/ id="([^"]+)"/g, (_, id: string) => ` id="${rename(id)}"`);
}
