import { expect, test } from "vitest";
import { html, jsonScript, raw } from "../../src/report/html.ts";

test("values are escaped, templates are not", () => {
  expect(html`<a title="${`"'<&>`}">${"<b>"}</a>`.text).toBe(
    '<a title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;</a>',
  );
  expect(html`${html`<i>${"&"}</i>`}${raw("<b>")}`.text).toBe("<i>&amp;</i><b>");
});

test("nothing is written for what is absent, and lists are joined", () => {
  expect(html`${null}${undefined}${false}${0}${["a", html`<br>`, ["b"]]}`.text).toBe("0a<br>b");
});

test("JSON cannot leave its script element, and survives", () => {
  const value = { name: "</script><!--\u2028$&", list: [1, null] };
  const { text } = jsonScript("data", value);
  expect(text.match(/<\/script/g)).toHaveLength(1);
  expect(text).not.toContain("<!--");
  expect(JSON.parse(text.slice(text.indexOf(">") + 1, text.lastIndexOf("<")))).toEqual(value);
});
