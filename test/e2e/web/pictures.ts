/** Pictures of the pages for the documentation: made by `npm run screenshots`, and only by it. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { attempt } from "../../lab/command.ts";

const FOLDER = join(import.meta.dirname, "../../../docs/images");
/** Those that the documentation shows. */
const SHOWN = new Set([
  "login",
  "overview",
  "overview-dark",
  "overview-phone",
  "problems",
  "site",
  "added",
  "audit",
  "users",
  "account",
  "about",
]);
/** Set by `npm run screenshots`: a run of the tests leaves the tree as it is. */
const WANTED = process.env.FARSITE_SCREENSHOTS === "1";

/** Folders of the test are shown as those of a hub that is installed. */
const AS_INSTALLED = `
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    texts.currentNode.nodeValue = texts.currentNode.nodeValue.replace(/\\/tmp\\/\\S+?\\/run\\//, "/run/farsite-hub/");
`;

export async function picture(page: Page, name: string): Promise<void> {
  if (!WANTED || !SHOWN.has(name)) return;
  const path = join(FOLDER, `web-${name}.png`);
  await page.evaluate(AS_INSTALLED);
  const { width = 0, height = 0 } = page.viewportSize() ?? {};
  const contents = await page.evaluate<number>(
    'document.getElementById("main").getBoundingClientRect().bottom',
  );
  const clip = { x: 0, y: 0, width, height: Math.min(height, Math.ceil(contents)) };
  await page.screenshot({ path, animations: "disabled", clip });
  // a quarter of the size, where there is the tool
  attempt(["pngquant", "--force", "--skip-if-larger", "--ext", ".png", "--strip", "--", path]);
}
