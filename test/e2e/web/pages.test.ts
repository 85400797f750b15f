/** The web interface as people have it: in a real browser, of real cores behind real agents. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { BROWSER_PACKAGES, startBrowser } from "../../lab/browser.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { PATIENCE, until } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES } from "../../lab/icinga.ts";
import { picture } from "./pictures.ts";
import { type Customer, PASSWORD, type Service, type UserName, WebStage } from "./stage.ts";

const missing = await ensurePackages([...BROWSER_PACKAGES, ...ICINGA_PACKAGES], {
  why: "the pages in a real browser",
});
if (missing.length > 0)
  console.warn(`LEFT OUT: the pages in a real browser: not installed: ${missing.join(", ")}`);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Small phones that are still in use. */
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1_200, height: 800 };
/** More than any page has to be walked through by keyboard. */
const MOST_TABS = 150;

describe.skipIf(missing.length > 0)("the pages in a browser", () => {
  const stage = new WebStage();
  let browser: Browser;
  /** What a browser complains of: faults of scripts, and what the Content-Security-Policy keeps from them. */
  const complaints: string[] = [];

  beforeAll(async () => {
    await stage.start();
    browser = await startBrowser(stage.lab.cleanup, stage.certificate);
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));
  afterAll(() => stage.end());

  async function someone(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE);
    context.on("weberror", (error) => void complaints.push(error.error().message));
    context.on("console", (message) => {
      // what is refused is told in the console as well, with its status
      if (message.type() === "error" && !/status of 4\d\d/.test(message.text()))
        complaints.push(message.text());
    });
    return context;
  }

  /** Logs in as people do, and gives the page that comes then. */
  async function enter(name: UserName, path = "/", options?: BrowserContextOptions): Promise<Page> {
    const page = await (await someone(options)).newPage();
    await page.goto(`${stage.origin}${path}`);
    await page.getByLabel("User").fill(name);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("button", { name: "Log out" }).waitFor();
    return page;
  }

  const isLive = (page: Page) => page.locator("#live", { hasText: /^Live$/ }).waitFor();
  const rowOf = (page: Page, { host, service }: Service) =>
    page
      .getByRole("row")
      .filter({ has: page.getByRole("rowheader", { name: host, exact: true }) })
      .filter({ has: page.getByRole("cell", { name: service, exact: true }) });
  const serviceRow = (customer: Customer, { host, service }: Service, columns: string) =>
    stage.ofCore(
      customer,
      `GET services\nColumns: ${columns}\nFilter: host_name = ${host}\nFilter: description = ${service}`,
    );

  async function mark(page: Page, service: Service): Promise<void> {
    await rowOf(page, service).getByRole("checkbox").check();
  }

  /** Goes on with the tabulator until the focus is there. */
  async function tabTo(page: Page, target: Locator): Promise<void> {
    for (let count = 0; count < MOST_TABS; count++) {
      if (await target.evaluate((element) => element.matches(":focus"))) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`the keyboard does not get to ${target}`);
  }

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate<AxeResults>(
      'axe.run(document, { resultTypes: ["violations"] })',
    );
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }

  test("by keyboard alone: log in, see both tenants, filter, acknowledge what has just become critical", async () => {
    const { globex } = stage;
    const service = await stage.well(globex, 0);
    const page = await (await someone()).newPage();
    await page.goto(stage.origin);
    const keys = page.keyboard;
    await keys.type("oscar");
    await keys.press("Tab");
    await keys.type(PASSWORD);
    await keys.press("Enter");
    await isLive(page);
    const sites = page.locator("table.sites");
    for (const { path } of [stage.acme, globex])
      await sites.locator(`tr[data-key="${path}"][data-state="online"]`).waitFor();

    await tabTo(page, page.getByLabel("Search sites"));
    await keys.type("globex");
    await sites.locator('tr[data-key="acme/berlin"]').waitFor({ state: "hidden" });
    const found = await sites.locator("tr[data-key]:visible").count();
    expect(found).toBe(2);
    expect(new URL(page.url()).search).toBe("?q=globex");

    await page.reload();
    expect(await sites.locator("tr[data-key]:visible").count()).toBe(found);
    await tabTo(page, page.getByRole("link", { name: /^Problems/ }));
    await keys.press("Enter");
    await page.waitForURL("**/problems");
    await isLive(page);
    const loaded = await page.evaluate(() => performance.timeOrigin);
    expect(await page.locator("table.problems tbody .badge").first().textContent()).toBe("DOWN");
    const row = rowOf(page, service);
    expect(await row.count()).toBe(0);
    const from = performance.now();
    await stage.result(globex, service, 2, "CRITICAL - the pump stands still");
    await row.waitFor();
    console.info(`critical at the core, on the page after ${Math.round(performance.now() - from)} ms`);
    expect(await row.textContent()).toContain("the pump stands still");
    expect(await row.textContent()).toContain("CRIT");
    // it is still the page that was opened
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loaded);

    await tabTo(page, row.getByRole("checkbox"));
    await keys.press("Space");
    await tabTo(page, page.getByLabel("Comment", { exact: true }));
    await keys.type("known; somebody is on the way");
    await tabTo(page, page.getByRole("button", { name: "Acknowledge", exact: true }));
    await keys.press("Enter");
    await page.getByText("1 of 1 done.").waitFor();
    expect(await serviceRow(globex, service, "acknowledged")).toEqual([[true]]);
    const [comment] = await stage.ofCore(
      globex,
      `GET comments\nColumns: author comment\nFilter: host_name = ${service.host}\nFilter: service_description = ${service.service}`,
    );
    expect(comment).toEqual([expect.stringContaining("oscar"), "known; somebody is on the way"]);
    // acknowledged, it is handled
    await row.waitFor({ state: "detached" });
    await page.context().close();
  });

  test("the audit page says who did it", async () => {
    const page = await enter("alice", "/audit?action=problem.");
    const row = page.getByRole("row").filter({ hasText: "known; somebody is on the way" });
    expect(await row.textContent()).toMatch(/oscar.*problem\.acknowledge.*/s);
    await page.context().close();
  });

  test("a downtime, and a check now, are in the core", async () => {
    const { acme } = stage;
    const service = await stage.well(acme, 1);
    const page = await enter("tina", "/problems");
    await isLive(page);
    await stage.result(acme, service, 2, "CRITICAL - new disk");
    await mark(page, service);
    await page.getByLabel("Comment", { exact: true }).fill("the new disk comes today");
    await page.getByRole("button", { name: "Downtime for" }).click();
    await page.getByText("1 of 1 done.").waitFor();
    const downtimes = await stage.ofCore(
      acme,
      `GET downtimes\nColumns: author comment\nFilter: host_name = ${service.host}\nFilter: service_description = ${service.service}`,
    );
    expect(downtimes).toEqual([[expect.stringContaining("tina"), "the new disk comes today"]]);

    await page.getByLabel("Handled").selectOption("Handled");
    await page.waitForURL(/handled=yes/);
    await mark(page, service);
    await page.getByRole("button", { name: "Check now" }).click();
    await page.getByText("1 of 1 done.").waitFor();
    // the core's own check says that it is well
    await until("the check", async () => (await serviceRow(acme, service, "state"))[0]?.[0] === 0);
    await rowOf(page, service).waitFor({ state: "detached" });
    await page.context().close();
  });

  test("a site is added, and turns green by itself when an agent comes with the line that is shown", async () => {
    const page = await enter("alice", "/add");
    await page.getByLabel("Tenant", { exact: true }).fill("initech");
    await page.getByLabel("Site", { exact: true }).fill("austin");
    await page.getByRole("button", { name: "Add the site" }).click();
    await isLive(page);
    const badge = page.locator("#site-state .badge");
    expect(await badge.getAttribute("class")).not.toContain("ok");
    await picture(page, "added");
    const [token = ""] =
      /fst1_[\w-]+/.exec((await page.locator(".copy.long code").textContent()) ?? "") ?? [];
    const agent = stage.lab.makeAgent({ services: { livestatus: `unix:${stage.acme.core.socket}` } });
    await agent.ok("enroll", token);
    await agent.start();
    await page.locator("#site-state .badge.ok").waitFor();
    expect(await badge.textContent()).toBe("online");
    await page.goto(`${stage.origin}/`);
    expect(await page.locator('tr[data-key="initech/austin"]').textContent()).toContain("online");
    await page.context().close();
    await stage.hub.ok("site", "remove", "initech/austin");
    await stage.hub.ok("tenant", "remove", "initech");
    await agent.stop();
  });

  test("a tenant's viewer sees nothing of the other tenant, on no page and in nothing that is loaded", async () => {
    const page = await enter("victor");
    const loaded: Promise<string>[] = [];
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      if (!type.includes("event-stream")) loaded.push(response.text().catch(() => ""));
    });
    await isLive(page);
    expect(await page.locator("tr[data-key]").count()).toBe(2);
    const paths = new Set<string>([
      "/problems?handled=all",
      "/sites/globex/vienna",
      "/audit",
      "/users",
      "/add",
    ]);
    for (const path of paths) {
      if (paths.size > 100) throw new Error("there is no end of pages");
      await page.goto(`${stage.origin}${path}`);
      const links = await page
        .locator('a[href^="/"]')
        .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
      for (const link of links)
        if (link && !link.startsWith("/assets/") && !link.includes("?")) paths.add(link);
    }
    expect([...paths]).toEqual(expect.arrayContaining(["/", "/about", "/account", "/sites/acme/berlin"]));
    const texts = await Promise.all(loaded);
    expect(texts.join("").length).toBeGreaterThan(10_000);
    // one was asked for by name, which is all that is said of it
    for (const text of texts)
      expect(text.replaceAll("there is no site globex/vienna", "")).not.toMatch(
        /globex|vienna|graz|initech/i,
      );
    await page.goto(`${stage.origin}/problems`);
    expect(await page.getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
    await page.context().close();
  });

  test("whose sessions are ended elsewhere is out of the page that is open", async () => {
    const page = await enter("tina", "/problems");
    await isLive(page);
    const admin = await enter("alice", "/users");
    const row = admin.getByRole("row").filter({ has: admin.getByRole("rowheader", { name: "tina" }) });
    await row.locator("summary").click();
    await row.getByRole("button", { name: "End all sessions" }).click();
    await admin.getByText("All sessions of tina ended.").waitFor();
    await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
    expect(await page.locator("table.problems").count()).toBe(0);
    await page.getByLabel("User").fill("tina");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/problems");
    const audit = await stage.hub.json<AuditRecord[]>("audit", "--action", "user.");
    expect(audit.at(-1)).toMatchObject({ who: "user alice", detail: expect.stringContaining("tina") });
    await Promise.all([page.context().close(), admin.context().close()]);
  });

  test("without script all can be read, chosen and done", async () => {
    const { acme } = stage;
    const service = await stage.well(acme, 2);
    await stage.result(acme, service, 2, "CRITICAL - without script");
    const page = await enter("tina", "/", { javaScriptEnabled: false });
    await page.getByLabel("Search sites").fill("nothing like it");
    await page.getByRole("button", { name: "Apply" }).click();
    expect(await page.locator("tr[data-key]:visible").count()).toBe(0);
    await until("the problem", async () => {
      await page.goto(`${stage.origin}/problems`);
      return (await rowOf(page, service).count()) === 1;
    });
    await mark(page, service);
    await page.getByRole("button", { name: "Check now" }).click();
    await page.getByText("1 of 1 done.").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in", exact: true }).waitFor();
    await page.context().close();
  });

  const PAGES = {
    login: "/login",
    overview: "/",
    problems: "/problems?handled=all",
    site: "/sites/acme/berlin",
    add: "/add",
    audit: "/audit",
    users: "/users",
    account: "/account",
    about: "/about",
    error: "/nothing/here",
  };

  test("each page, light and dark, is sound for people with screen readers, and fits a phone", async () => {
    const page = await enter("alice");
    for (const [name, path] of Object.entries(PAGES)) {
      const on = name === "login" ? await (await someone()).newPage() : page;
      await on.setViewportSize(DESK);
      await on.goto(`${stage.origin}${path}`);
      for (const colorScheme of ["light", "dark"] as const) {
        await on.emulateMedia({ colorScheme });
        expect([name, colorScheme, await violations(on)]).toEqual([name, colorScheme, []]);
        await picture(on, colorScheme === "light" ? name : `${name}-dark`);
      }
      await on.setViewportSize(PHONE);
      // plots take their new size when it has been laid out
      await until(`${name} to fit`, async () => {
        const wide = await on.evaluate("document.documentElement.scrollWidth - innerWidth");
        if (wide !== 0) throw new Error(`${wide} pixels too wide`);
        return true;
      });
      await picture(on, `${name}-phone`);
      if (on !== page) await on.context().close();
    }
    await page.context().close();
  });
});
