/** What a reader can see: no scripts, styles or markup, but the text and labels of figures. */
export function visible(page: string): string {
  return page
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/g, "")
    .replace(/ (?:d|href|points)="[^"]*"/g, "")
    .replace(/<[^>]*aria-label="([^"]*)"[^>]*>/g, " $1 ")
    .replace(/<[^>]*>/g, " ");
}
