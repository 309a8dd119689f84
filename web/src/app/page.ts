/** What the scripts read from the page: texts, the forgery token, the language. No text of their own lies in the scripts. */

/** Texts of `<template id="…" data-name="text">`, or an empty record where the page has none. */
export function words(id: string): Record<string, string> {
  const holder = document.getElementById(id);
  return holder ? Object.fromEntries(Object.entries(holder.dataset).map(([key, text]) => [key, text ?? ""])) : {};
}

/** Puts values into a text: `fill("{done} of {total}", {done: 1, total: 3})`. An unknown name stays as it is. */
export function fill(text: string | undefined, values: Record<string, string | number>): string {
  return (text ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The header that tells the server that a request comes from its own page. */
export function forgeryHeaders(): Record<string, string> {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="csrf"]');
  return meta?.content ? { [meta.dataset["header"] ?? "X-CSRF"]: meta.content } : {};
}

/** A number as the page's language writes it. */
export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(document.documentElement.lang || undefined, options).format(value);
}

/** A file's size as the page's language writes it. */
export function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const unit = units[step] ?? "byte";
  return number(bytes / 1000 ** step, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: step ? 1 : 0 });
}

/** Shows a message at the top of the page's content; the same text is not shown twice. */
export function message(text: string | undefined): void {
  const main = document.querySelector("main");
  if (!main || !text) return;
  main.querySelector(":scope > p.message[data-script]")?.remove();
  const line = document.createElement("p");
  line.className = "message";
  line.setAttribute("role", "alert");
  line.dataset["script"] = "";
  line.textContent = text;
  main.prepend(line);
}
