/** Rows as aligned lines; numbers (columns marked ">") to the right. Columns are two spaces apart. */
export function tableLines(rows: readonly (readonly string[])[], align: string = ""): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (align[i] === ">" ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** `name  value` lines. */
export function fieldLines(fields: readonly (readonly [name: string, value: string])[]): string[] {
  return tableLines(fields);
}

/** The first `most` lines, and how many others there are. */
export function firstLines(lines: readonly string[], most: number, what: string): string[] {
  const rest = lines.length - most;
  return rest <= 0 ? [...lines] : [...lines.slice(0, most), `… ${rest} other ${what} (--json lists all)`];
}

/** A long name with its middle cut out. */
export function cutMiddle(name: string, width: number): string {
  if (name.length <= width) return name;
  const head = Math.ceil((width - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (width - 1 - head))}`;
}
