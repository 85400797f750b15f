/** Keeps "how long ago" current. */
import { since } from "../../view/index.ts";

/** ms; a text that counts seconds is soon one that counts minutes. */
const EVERY = 5_000;

export function keepAges(root: Document): void {
  setInterval(() => {
    if (root.hidden) return;
    const now = Date.now();
    for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-since]")) {
      const text = since(time.dateTime, now);
      if (time.textContent !== text) time.textContent = text;
    }
  }, EVERY);
}
