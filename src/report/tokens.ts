/** One colour in both themes. */
type Token = readonly [light: string, dark: string];

/**
 * The colours of the page and of the figures. Contrast on bg and panel: text ≥ 13, muted ≥ 6, status ≥ 5.8,
 * roles ≥ 3.9; any two roles differ by ΔE₀₀ ≥ 17 under normal and colour-deficient vision.
 */
export const tokens: Readonly<Record<string, Token>> = {
  bg: ["#ffffff", "#14171b"],
  panel: ["#f6f7f9", "#1c2026"],
  text: ["#1b1f24", "#e7eaee"],
  muted: ["#57606c", "#a3acb8"],
  link: ["#0b5cad", "#7db7f2"],
  ok: ["#1a6e3a", "#6cc58b"],
  look: ["#8a5300", "#e0aa52"],
  failed: ["#b3261e", "#ff8a80"],
  rule: ["#d5dae1", "#39414b"],
  top: ["#b5490a", "#e8843a"],
  bottom: ["#3b82d6", "#4f8fe8"],
  random: ["#5f6670", "#8d939b"],
  filter: ["#5a1f7a", "#f0bdf0"],
};

/** The custom properties of one theme, as a declaration block's content. */
export function themeVariables(theme: "light" | "dark"): string {
  const which = theme === "light" ? 0 : 1;
  const colours = Object.entries(tokens).map(([name, token]) => `--${name}: ${token[which]};`);
  return [`color-scheme: ${theme};`, ...colours].join(" ");
}

/** Replaces `var(--name)` by the light colour: for figures that leave the page. */
export function resolveTokens(text: string): string {
  return text.replace(/var\(--([a-z]+)\)/g, (whole, name: string) => tokens[name]?.[0] ?? whole);
}
