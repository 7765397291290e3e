/* global document */
// Runs in the page.

/** Empty panels, repeated ids, and labels that are cut off or lie on one another. */
export function faults() {
  const found = [];
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, k) => ids.indexOf(id) !== k))) found.push(`id ${id} twice`);
  for (const panel of document.querySelectorAll(".panel")) {
    const name = panel.dataset.panel;
    const svg = panel.querySelector("svg");
    if (!svg || svg.querySelectorAll("path[d], line, image").length === 0) {
      found.push(`${name} is empty`);
      continue;
    }
    const frame = panel.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].filter((t) => t.textContent?.trim());
    const boxes = labels.map((label) => ({ text: label.textContent, box: label.getBoundingClientRect() }));
    for (const { text, box } of boxes) {
      // One pixel for what fonts draw outside their box.
      const over = Math.max(
        frame.left - box.left,
        box.right - frame.right,
        frame.top - box.top,
        box.bottom - frame.bottom,
      );
      if (over > 1) found.push(`${name}: "${text}" is cut by ${over.toFixed(1)} px`);
    }
    boxes.forEach((a, k) => {
      for (const b of boxes.slice(k + 1)) {
        const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        // A line's box is a quarter higher than its letters.
        if (width > 1 && height > 4) found.push(`${name}: "${a.text}" covers "${b.text}"`);
      }
    });
  }
  return found;
}
