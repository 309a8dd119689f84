/**
 * Questions before something is done. htmx's `hx-confirm` and, on plain forms and their buttons, `data-confirm` hold the
 * question; it is asked in the page's `<dialog id="confirm">`, whose form (method="dialog") has a `<p>` for the question
 * and buttons with the values `yes` and `no`.
 */

function dialog(): HTMLDialogElement | null {
  return document.querySelector<HTMLDialogElement>("dialog#confirm");
}

/** Asks and waits for the answer; false when the dialog is left with Escape. */
export function ask(question: string): Promise<boolean> {
  const box = dialog();
  const place = box?.querySelector("p");
  if (!box || !place) return Promise.resolve(window.confirm(question));
  place.textContent = question;
  box.returnValue = "no";
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
  });
}

/** Listens for requests and forms that carry a question. */
export function start(): void {
  document.addEventListener("htmx:confirm", (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail as unknown as {
      ctx: { confirm?: string };
      issueRequest: () => void;
      dropRequest: () => void;
    };
    if (!ctx.confirm) return;
    event.preventDefault();
    void ask(ctx.confirm).then((yes) => (yes ? issueRequest() : dropRequest()));
  });

  const agreed = new WeakSet<Element>();
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      const button = event.submitter as HTMLElement | null;
      const question = button?.dataset["confirm"] ?? form.dataset["confirm"];
      if (!question || agreed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      void ask(question).then((yes) => {
        if (!yes) return;
        agreed.add(form);
        form.requestSubmit(button);
      });
    },
    { capture: true },
  );
}
