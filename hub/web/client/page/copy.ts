/** Buttons that copy what stands beside them. */

/** ms for which a button says that it has. */
const SAID = 1_500;

export function offerCopies(root: Document): void {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
    if (button) void copy(button, button.dataset.copy ?? "");
  });
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  const before = button.textContent;
  if (button.dataset.said !== undefined) return;
  button.dataset.said = "";
  button.textContent = await navigator.clipboard.writeText(text).then(
    () => "Copied",
    () => "Not allowed",
  );
  setTimeout(() => {
    button.textContent = before;
    delete button.dataset.said;
  }, SAID);
}
