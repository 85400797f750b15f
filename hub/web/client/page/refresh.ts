/** Brings a page up to date: asks for it again, and takes over what is different. */
import { morph } from "./morph.ts";

/** ms between two: what happens meanwhile comes with the next one. */
const EVERY = 1_000;

export class Refresh {
  #last = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #again = false;

  /** @param source where the page is to be had, when it is asked for */
  constructor(private readonly source: () => string) {}

  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), Math.max(0, this.#last + EVERY - Date.now()));
  }

  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    void this.#fetch().finally(() => {
      this.#running = false;
      this.#last = Date.now();
      if (this.#again) this.soon();
    });
  }

  async #fetch(): Promise<void> {
    const answer = await fetch(this.source(), { headers: { accept: "text/html" }, redirect: "error" }).catch(
      () => undefined,
    );
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of document.querySelectorAll("[data-region]")) {
      const wanted = page.getElementById(region.id);
      if (wanted) morph(region, wanted);
    }
    document.dispatchEvent(new Event("refreshed"));
  }
}
