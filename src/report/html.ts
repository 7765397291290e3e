/** Text that is already HTML. Only `html` and `raw` make it, so that everything else is escaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes; null, undefined and false write nothing. */
export type Content = string | number | Html | null | undefined | false | readonly Content[];

/** Tagged template whose values are escaped unless they are Html already. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = strings[0]!;
  for (let i = 0; i < values.length; i++) text += write(values[i]) + strings[i + 1]!;
  return new Html(text);
}

/** Vouches for `text`: made by this program, never from a file's names. */
export function raw(text: string): Html {
  return new Html(text);
}

/** JSON that cannot end the script element which it stands in. */
export function jsonScript(id: string, value: unknown): Html {
  const json = JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return html`<script type="application/json" id="${id}">${raw(json)}</script>`;
}

function write(value: Content): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(write).join("");
  return escapeText(String(value));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => entities[c]!);
}
