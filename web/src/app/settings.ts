/**
 * Settings of this browser. The look is a cookie and not a record in local storage, so that the server can write
 * `<html data-theme>` itself and no page flashes in the wrong one.
 */

export type Theme = "auto" | "light" | "dark";

/** Reads the look out of a cookie line. */
export function themeOf(cookies: string): Theme {
  const found = /(?:^|;\s*)theme=(light|dark)(?:;|$)/.exec(cookies)?.[1];
  return found === "light" || found === "dark" ? found : "auto";
}

function apply(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  for (const field of document.querySelectorAll<HTMLSelectElement>('select[data-setting="theme"]')) field.value = theme;
}

/** Applies the stored look and listens to `<select data-setting="theme">` (auto, light, dark). */
export function start(): void {
  apply(themeOf(document.cookie));
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLSelectElement) || field.dataset["setting"] !== "theme") return;
    const secure = location.protocol === "https:" ? "; secure" : "";
    const age = field.value === "auto" ? 0 : 31_536_000;
    document.cookie = `theme=${field.value}; path=/; max-age=${age}; samesite=lax${secure}`;
    apply(themeOf(document.cookie));
  });
}
