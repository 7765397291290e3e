const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const key = "onnx-landscape-theme";

/** The reader's choice holds over the system's; both may change while the page is open. */
export function setUpTheme(): void {
  const button = document.getElementById("theme");
  if (!button) return;
  let theme = stored();
  const show = () => {
    document.documentElement.dataset["theme"] = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    store(theme);
    show();
  });
  show();
}

// A sandboxed page has no storage, and says so by throwing.
function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? "auto";
  } catch {
    return "auto";
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // The choice then lasts as long as the page.
  }
}
