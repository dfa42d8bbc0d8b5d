// Light, dark, or as the system is.

import type { JSX } from "preact";
import { readStored, store } from "../chat/platform.ts";
import { text } from "../text.ts";

const KEY = "theme";
const THEMES = ["system", "light", "dark"] as const;

/** Before anything is drawn. */
export function applyTheme(): void {
  const theme = readStored("localStorage", KEY);
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
}

export function ThemeChoice(): JSX.Element {
  return (
    <select
      class="field theme"
      aria-label={text.theme}
      value={readStored("localStorage", KEY) ?? "system"}
      onChange={(event) => {
        const { value } = event.currentTarget;
        store("localStorage", KEY, value === "system" ? "" : value);
        applyTheme();
      }}
    >
      {THEMES.map((theme) => (
        <option key={theme} value={theme}>
          {text.themes[theme]}
        </option>
      ))}
    </select>
  );
}
