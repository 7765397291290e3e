import { type Content, type Html, html } from "../html.ts";

/** A column: its head, and whether it holds numbers (then it is aligned at the right). */
export interface Column {
  readonly head: Content;
  readonly numeric?: boolean;
}

/** A table that scrolls in its own box where the page is narrow. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
): Html {
  const kind = (k: number) => (columns[k]?.numeric ? "number" : "words");
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<thead><tr>${columns.map((c, k) => html`<th scope="col" class="${kind(k)}">${c.head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((v, k) => html`<td class="${kind(k)}">${v}</td>`)}</tr>`)}</tbody>
</table></div>`;
}
