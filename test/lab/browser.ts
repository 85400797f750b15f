/** A real Chromium, headless and driven over its own protocol, with a profile that ends with it. */
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { type Cleanup, scratchDirectory } from "./cleanup.ts";
import { isRoot } from "./debian.ts";
import { launch } from "./process.ts";

/** What {@link startBrowser} needs to be installed; with a font, so that pages look as they do elsewhere. */
export const BROWSER_PACKAGES = ["chromium", "fonts-dejavu-core"];

/** ms for a start on a machine that has a lot to do. */
const START = 60_000;

const ARGUMENTS = [
  "--headless",
  "--remote-debugging-port=0",
  "--no-first-run",
  "--no-default-browser-check",
  // nothing of what it does by itself: updates, reports, translations
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-features=Translate,OptimizationHints,MediaRouter",
  "--disable-gpu",
  // /dev/shm is small in containers
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
];

/**
 * Starts it, with nothing of another run: each context of it is a browser of somebody else.
 * @param certificate PEM: of the one server that it trusts without an authority
 */
export async function startBrowser(cleanup: Cleanup, certificate: string): Promise<Browser> {
  const profile = scratchDirectory(cleanup, "browser");
  // two lines: the port, and a path
  const file = join(profile, "DevToolsActivePort");
  const told = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n") : []);
  await launch(
    [
      "chromium",
      ...ARGUMENTS,
      // its sandbox refuses to be root's
      ...(isRoot() ? ["--no-sandbox"] : []),
      `--user-data-dir=${profile}`,
      `--ignore-certificate-errors-spki-list=${keyOf(certificate)}`,
      "about:blank",
    ],
    {
      label: "chromium",
      // it takes its many children along
      onParentDeath: "TERM",
      ready: () => told().length > 1,
      readyWithinMs: START,
      cleanup,
    },
  );
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${told()[0]}`, { timeout: START });
  cleanup.add(
    "let go of chromium",
    () => browser.close(),
    () => {},
  );
  return browser;
}

/** SHA-256 of the public key (SPKI, DER), as Chromium wants it. */
function keyOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}
