/** Forms that only choose what is shown: a choice of theirs is made at once. */

export function showChanges(root: Document): void {
  root.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement)
      event.target.closest<HTMLFormElement>("form[data-at-once]")?.requestSubmit();
  });
}
