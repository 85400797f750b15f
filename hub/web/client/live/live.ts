/** The stream of events from the hub, as long as the page is looked at; says whether what is shown is current. */
import type { SiteRow } from "../../view/index.ts";

export interface SitesChange {
  rows: SiteRow[];
  /** `TENANT/SITE`. */
  gone: string[];
}

export interface LiveOptions {
  /** With what is wanted, and the last event that is in the page. */
  address: string;
  status: HTMLElement | null;
  /** Where the number of unhandled problems stands. */
  bubble: HTMLElement | null;
  sites(change: SitesChange): void;
  problems(): void;
  /** Nothing was missed since the event that the page named, if it named one. */
  begun(): void;
  /** Events were missed: what is shown must be asked for again. */
  resync(): void;
}

/** ms in which something comes from a hub that is there; it sends a beat every ten seconds. */
const SILENCE = 25_000;
/** ms until the next try: at first, and at most. */
const RETRY = 1_000;
const LONGEST_RETRY = 30_000;
/** ms after which a page that nobody looks at lets go of its stream: a browser has six for all pages together. */
const UNSEEN = 10_000;

export class Live {
  readonly #options: LiveOptions;
  readonly #address: URL;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unseen: ReturnType<typeof setTimeout> | undefined;
  #retry = RETRY;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#address = new URL(options.address, location.href);
  }

  start(): void {
    this.#open();
    document.addEventListener("visibilitychange", () => this.#looked());
    // a page that comes back from the browser's cache of pages is as old as when it was left
    addEventListener("pageshow", (event) => {
      if (event.persisted) this.#reopen();
    });
    addEventListener("pagehide", () => this.#close());
  }

  #looked(): void {
    clearTimeout(this.#unseen);
    if (document.hidden) this.#unseen = setTimeout(() => this.#close(), UNSEEN);
    else if (!this.#source) this.#open();
  }

  #open(): void {
    this.#close();
    const source = new EventSource(this.#address);
    this.#source = source;
    this.#listen();
    source.addEventListener("open", () => this.#say("on", "Live"));
    source.addEventListener("error", () => this.#failed());
    const on = (name: string, heard: (data: unknown) => void) => {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#listen();
        this.#retry = RETRY;
        if (event.lastEventId !== "") this.#address.searchParams.set("after", event.lastEventId);
        heard(JSON.parse(event.data));
      });
    };
    on("hello", () => this.#options.begun());
    on("beat", () => {});
    on("sites", (data) => this.#options.sites(data as SitesChange));
    on("problems", (data) => this.#count((data as { unhandled: number }).unhandled));
    on("resync", () => this.#options.resync());
  }

  #listen(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reopen(), SILENCE);
  }

  /** A browser tries again by itself only where the connection broke, and not for ever. */
  #failed(): void {
    this.#say("off", "Not live");
    this.#close();
    // not all pages at once, when a hub comes back
    const wait = this.#retry * (0.5 + Math.random() / 2);
    this.#retry = Math.min(LONGEST_RETRY, this.#retry * 2);
    this.#timer = setTimeout(() => void this.#again(), wait);
  }

  async #again(): Promise<void> {
    // who is not logged in any more is sent elsewhere, and is to see no more of this page; a form is not sent again
    const answer = await fetch("/account", { redirect: "manual" }).catch(() => undefined);
    if (answer?.type === "opaqueredirect") location.replace(location.pathname + location.search);
    else if (!document.hidden) this.#open();
  }

  #reopen(): void {
    this.#say("off", "Not live");
    this.#open();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #say(kind: "on" | "off", text: string): void {
    const { status } = this.#options;
    if (!status || status.textContent === text) return;
    status.hidden = false;
    status.className = `live ${kind}`;
    status.textContent = text;
  }

  #count(unhandled: number): void {
    const { bubble, problems } = this.#options;
    problems();
    if (!bubble) return;
    bubble.hidden = unhandled === 0;
    const text = unhandled > 999 ? "999+" : String(unhandled);
    if (bubble.textContent !== text) bubble.textContent = text;
    bubble.title = `${unhandled} unhandled problems`;
  }
}
