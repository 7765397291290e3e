import { themeVariables } from "./tokens.ts";

const dark = themeVariables("dark");

/** The page's stylesheet. Dark is for screens only; paper is light. */
export const style: string = `
:root { ${themeVariables("light")} --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media not print {
  @media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${dark} } }
  :root[data-theme="dark"] { ${dark} }
}
* { box-sizing: border-box; }
html { background: var(--bg); scroll-padding-top: 3.5rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { overflow-wrap: break-word; margin: 0 auto; max-width: calc(72rem + 48px); padding: 0 24px 64px; background: var(--bg); color: var(--text);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 20px; line-height: 1.3; margin: 0 0 16px; }
h3 { font-size: 16px; line-height: 1.4; margin: 0 0 8px; max-width: 84ch; overflow-wrap: anywhere; }
p { margin: 0 0 8px; max-width: 68ch; }
.wide { max-width: none; }
a { color: var(--link); text-underline-offset: 2px; }
code, pre { font-family: var(--mono); font-size: .875em; }
small, .muted { color: var(--muted); }
.note, figcaption { font-size: 13px; line-height: 1.5; color: var(--muted); max-width: 84ch; }
section { padding-top: 24px; margin-top: 40px; border-top: 1px solid var(--rule); }
section:first-child { border-top: 0; margin-top: 16px; padding-top: 8px; }
header { display: flex; align-items: flex-start; justify-content: space-between; gap: 16px; padding-top: 32px; }
header > div { min-width: 0; }
.eyebrow { font-size: 13px; letter-spacing: .04em; text-transform: uppercase; color: var(--muted); margin: 0 0 4px; }
footer { margin-top: 64px; font-size: 13px; color: var(--muted); }

nav { position: sticky; top: 0; z-index: 1; background: var(--bg); border-bottom: 1px solid var(--rule); margin-top: 8px; }
nav ul { display: flex; gap: 4px 16px; flex-wrap: wrap; list-style: none; margin: 0; padding: 8px 0; font-size: 14px; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }

button { font: 13px/1.4 system-ui, sans-serif; color: var(--text); background: var(--panel); border: 1px solid var(--rule);
  border-radius: 6px; padding: 4px 10px; cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
[hidden] { display: none !important; }

.verdict { list-style: none; margin: 0 0 24px; padding: 0; max-width: 60rem; }
.verdict > li { display: grid; grid-template-columns: 14rem 6.5rem minmax(0, 1fr); gap: 4px 16px; padding: 16px 0;
  border-bottom: 1px solid var(--rule); align-items: baseline; }
.verdict > li:first-child { border-top: 1px solid var(--rule); }
.question { color: var(--muted); font-size: 14px; line-height: 1.4; }
.answer { justify-self: start; font-size: 13px; font-weight: 600; line-height: 1; padding: 5px 9px; border-radius: 6px;
  border: 1.5px solid var(--text); white-space: nowrap; }
.answer.yes { background: var(--text); color: var(--bg); }
.answer.cannot-tell { border-style: dashed; border-color: var(--muted); color: var(--muted); }
.sentence p { margin: 0; }
.evidence { margin-top: 4px; }
.evidence ul { margin: 4px 0 0; padding: 0; list-style: none; overflow-wrap: anywhere; }
.evidence span { color: var(--text); font-variant-numeric: tabular-nums; }

.findings { list-style: none; margin: 0 0 24px; padding: 0; max-width: 60rem; }
.findings > li { padding: 12px 0; border-bottom: 1px solid var(--rule); }
.findings > li:first-child { border-top: 1px solid var(--rule); }
.findings p { margin: 0; }

.facts { display: flex; flex-wrap: wrap; gap: 1px; margin: 0; background: var(--rule); border: 1px solid var(--rule);
  border-radius: 8px; overflow: hidden; }
.facts > div { background: var(--panel); padding: 12px 16px; flex: 1 0 168px; }
.facts dt { font-size: 13px; color: var(--muted); }
.facts dd { margin: 0; font-size: 17px; white-space: nowrap; line-height: 1.35; font-variant-numeric: tabular-nums; }
.facts small { display: block; font-size: 12px; min-height: 1.5em; white-space: normal; }
.facts sub { font-size: .7em; line-height: 0; }

.figure { margin: 0; }
.figure + .figure { margin-top: 56px; }
.panels { display: grid; gap: 16px 24px; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr));
  justify-content: start; margin: 8px 0; }
.cell { min-width: 0; max-width: 400px; }
.columns-1 .panels { grid-template-columns: minmax(0, 400px); }
@media (min-width: 60rem) { .columns-1 { display: grid; grid-template-columns: 400px minmax(0, 1fr); gap: 0 40px; grid-template-rows: auto repeat(4, auto) 1fr; }
  .columns-1 > * { grid-column: 2; } .columns-1 > h3 { grid-column: 1 / -1; } .columns-1 > .panels { grid-column: 1; grid-row: 2 / span 5; } }
.columns-2 .panels { grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 400px)); }
@media (min-width: 70rem) { .columns-3 .panels { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
.bars { display: flex; flex-wrap: wrap; gap: 8px 24px; margin: 8px 0; }
.bars .cell { flex: 0 1 368px; }
.panel { position: relative; border-radius: 4px; touch-action: pan-y; line-height: 0; }
.panel[tabindex]:hover { cursor: crosshair; }
.panel svg { display: block; width: 100%; height: auto; overflow: visible; font-family: system-ui, sans-serif;
  font-variant-numeric: tabular-nums; }
.panel svg text[stroke] { paint-order: stroke; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; margin: 8px 0; padding: 0; font-size: 13px; line-height: 1.5; }
.key li { display: flex; align-items: center; gap: 6px; }
.key svg { flex: none; }
.readout { font-size: 13px; line-height: 1.5; min-height: 1.5em; margin: 0 0 8px; max-width: none;
  font-variant-numeric: tabular-nums; background: var(--panel); border-radius: 6px; padding: 4px 10px; }
figcaption em { font-style: normal; color: var(--text); }
.tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; font-size: 13px; color: var(--muted); margin: 8px 0; max-width: none; }

.player { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; margin: 8px 0 16px; font-size: 13px; max-width: 48rem; }
.player input { flex: 1 1 12rem; min-width: 6rem; accent-color: var(--link); }
.player output { flex: 0 1 auto; min-width: 8rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.player button { min-width: 5.5rem; }

.views { margin: 8px 0 16px; font-size: 13px; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 24px; }
.views > div { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; }
.views > [role="group"] { gap: 0; }
.views [data-view="map"] { border-radius: 6px 0 0 6px; }
.views [data-view="surface"] { border-radius: 0 6px 6px 0; border-left: 0; }
.views [aria-pressed="true"] { background: var(--text); color: var(--bg); border-color: var(--text); }
.views label { display: flex; align-items: center; gap: 8px; }
.views input { width: 9rem; accent-color: var(--link); }
.views .note { flex-basis: 100%; margin: 0; }
.surface { display: block; width: 100%; border-radius: 4px; cursor: grab; touch-action: pan-y; }
.surface:active { cursor: grabbing; }
.figure:not([data-view="surface"]) .surface { display: none; }
@media screen { .figure[data-view="surface"] .panel[data-map-only] { display: none; } }

details { font-size: 13px; line-height: 1.5; }
summary { cursor: pointer; color: var(--link); width: fit-content; padding: 2px 0; }
.scroll { overflow-x: auto; margin: 8px 0 16px; max-width: 100%; }
.side { display: flex; flex-wrap: wrap; gap: 0 40px; align-items: flex-start; }
.side > * { max-width: 100%; }
table { border-collapse: collapse; font-size: 13px; line-height: 1.5; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 16px 3px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; white-space: nowrap; }
.thumb { display: block; image-rendering: pixelated; }
.number { text-align: right; white-space: nowrap; }
.long { min-width: 13rem; }
th:last-child, td:last-child { padding-right: 0; }

.status { font-weight: 600; white-space: nowrap; }
.status.ok { color: var(--ok); } .status.look { color: var(--look); } .status.failed { color: var(--failed); }
.status.not-done { color: var(--muted); }
.plain { padding-left: 1.2em; margin: 0; }
.copy { display: flex; align-items: flex-start; gap: 8px; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 8px; padding: 12px 12px 12px 16px; margin: 0 0 16px; }
.copy pre { margin: 0; flex: 1; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.entries { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 24px; font-size: 14px; margin: 16px 0; }
.entries dt { color: var(--muted); } .entries dd { margin: 0; }
.hash { overflow-wrap: anywhere; color: var(--muted); }
.version { white-space: nowrap; margin-right: 12px; }

@media (max-width: 46rem) {
  body { padding: 0 16px 40px; }
  nav ul { flex-wrap: nowrap; overflow-x: auto; }
  nav a { white-space: nowrap; }
  .verdict > li { grid-template-columns: minmax(0, 1fr) auto; }
  .sentence { grid-column: 1 / -1; }
  .facts > div { padding: 10px 12px; flex-basis: 140px; }
  .entries { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .entries dt:not(:empty) { margin-top: 8px; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print {
  @page { margin: 14mm 12mm; }
  body { font-size: 10.5pt; max-width: none; padding: 0; }
  nav, button, .tools, .readout, .player, .views, .surface, summary { display: none !important; }
  .panels { gap: 8px 12px; }
  .columns-3 .panels { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .columns-2 .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  h2, h3 { break-after: avoid; break-inside: avoid; }
  .scroll { overflow: visible; }
  .side { gap: 0 24px; }
  .cell, .bars, .key, tr, .facts, .verdict > li, figcaption { break-inside: avoid; }
  .figure > .panels { break-inside: avoid; }
  a { color: inherit; text-decoration: none; }
  section { margin-top: 20px; padding-top: 12px; }
  table { font-size: 7pt; line-height: 1.3; }
  th, td { padding: 2px 8px 2px 0; }
}
`;
