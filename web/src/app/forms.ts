/** Small help with forms: where the first mistake is, no second sending, selects that send at once, menus that close. */

function focusFirstMistake(root: ParentNode): void {
  root.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

/** Listens on the whole page. */
export function start(): void {
  focusFirstMistake(document);
  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail.ctx.target as unknown;
    if (target instanceof Element) focusFirstMistake(target);
  });

  // A form without htmx leaves the page; until it has, a second click must not send it twice.
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset["sent"] !== undefined) event.preventDefault();
    form.dataset["sent"] = "";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) delete form.dataset["sent"];
  });

  // `<select data-send>`: choosing sends the form (the language switch; without scripts its button does).
  for (const button of document.querySelectorAll<HTMLElement>("form:has(select[data-send]) [data-without-script]")) {
    button.hidden = true;
  }
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.dataset["send"] !== undefined) field.form?.requestSubmit();
  });

  // `data-print`: opens the print dialog.
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest?.("[data-print]")) window.print();
  });

  const menus = () => document.querySelectorAll<HTMLDetailsElement>("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}
