/** The overview of a thousand sites: what it costs the hub, the line, and the browser in which it is left open. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { CERTIFICATE_FILE } from "../../../hub/tls/index.ts";
import { BROWSER_PACKAGES, startBrowser } from "../../lab/browser.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { Visitor } from "../../lab/visitor.ts";
import { freePort } from "../peers/peer.ts";
import { processorMs } from "../procfs.ts";
import { type Processes, startFleet, TENANTS } from "./federate.ts";

export interface Overview {
  /** ms at the hub until the first byte of the page is there, and until the last one is. */
  firstByte: number;
  whole: number;
  /** ms in a browser from the click until something is to be seen. */
  paint: number;
  /** kB over the line of the page with all that belongs to it, as it comes to a browser that has nothing of it yet. */
  size: number;
  /** Sites a second of which something new was told meanwhile. */
  updates: number;
  /** Part of the browser's main thread, and of one processor at the hub, that they take, in %. */
  browser: number;
  hub: number;
}

export interface WebPlan {
  sites: number;
  perProcess: number;
  /** How often the page is asked for. */
  times: number;
  /** Seconds for which it is left open. */
  seconds: number;
}

const NAME = "bench";
const PASSWORD = "correct horse battery";
const SIZE = { width: 1_600, height: 1_000 };
/** Sites that are switched off in a second, and of which so many are off at a time. */
const TURNS = 5;
const TURNING = 10;
/** ms in which the page has come to rest, and the hub has something to tell of each site. */
const SETTLE = 8_000;

export async function watchOverview(processes: Processes, plan: WebPlan): Promise<Overview> {
  const lacking = await ensurePackages(BROWSER_PACKAGES, { why: "the overview in a browser" });
  if (lacking.length > 0) throw new Error(`not installed: ${lacking.join(", ")}`);
  const cleanup = new Cleanup();
  try {
    const port = await freePort();
    const fleet = await startFleet(processes, { ...plan, web: port });
    const user = { name: NAME, role: "operator", tenants: [], password: PASSWORD };
    const made = await fetch("http://hub/users", {
      method: "POST",
      unix: fleet.admin,
      body: JSON.stringify(user),
    });
    if (!made.ok) throw new Error(await made.text());
    const certificate = readFileSync(join(fleet.state, CERTIFICATE_FILE), "utf8");
    const visitor = await new Visitor(`https://127.0.0.1:${port}`, certificate).login(NAME, PASSWORD);
    const server = await timesOf(visitor, plan.times);
    const browser = await startBrowser(cleanup, certificate);
    const { page, size } = await open(browser, visitor);
    const paint = Number(
      await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime'),
    );
    const rows = await page.locator("tr[data-key]").count();
    if (rows !== plan.sites) throw new Error(`the overview has ${rows} sites`);
    await page.locator("#live", { hasText: /^Live$/ }).waitFor();
    await Bun.sleep(SETTLE);
    const stream = visitor.events("");
    const taskMs = await mainThreadOf(page);
    const [task, before, from] = [await taskMs(), processorMs(fleet.hub), performance.now()];
    await turn(fleet.admin, plan);
    const took = performance.now() - from;
    const share = (ms: number) => (100 * ms) / took;
    const [busy, worked] = [(await taskMs()) - task, processorMs(fleet.hub) - before];
    stream.end();
    await stream.over;
    const updates = (1_000 * (stream.text().match(/"tenant":/g)?.length ?? 0)) / took;
    return { ...server, paint, size, updates, browser: share(busy), hub: share(worked) };
  } finally {
    await cleanup.run();
  }
}

async function timesOf(visitor: Visitor, times: number): Promise<{ firstByte: number; whole: number }> {
  const all: { firstByte: number; whole: number }[] = [];
  for (let count = 0; count < times; count++) {
    const from = performance.now();
    const answer = await visitor.fetch("/", { headers: { "sec-fetch-site": "none" } });
    const firstByte = performance.now() - from;
    await answer.arrayBuffer();
    all.push({ firstByte, whole: performance.now() - from });
  }
  const middle = (of: "firstByte" | "whole") =>
    all.map((each) => each[of]).toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
  return { firstByte: middle("firstByte"), whole: middle("whole") };
}

/** The overview in a browser that was not there before, and its kB with all that belongs to it. */
async function open(browser: Browser, { origin, cookie }: Visitor): Promise<{ page: Page; size: number }> {
  const context: BrowserContext = await browser.newContext({ viewport: SIZE });
  const [name = "", value = ""] = cookie.split("=");
  await context.addCookies([{ name, value, url: origin, secure: true, httpOnly: true, sameSite: "Lax" }]);
  const page = await context.newPage();
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    sizes.push(request.sizes().then((size) => size.responseBodySize + size.responseHeadersSize));
  });
  await page.goto(origin, { waitUntil: "load" });
  const all = await Promise.all(sizes);
  return { page, size: all.reduce((sum, each) => sum + each, 0) / 1_000 };
}

/** Tells the ms of processor time that the page's main thread has taken since: what else the machine does is not in it. */
async function mainThreadOf(page: Page): Promise<() => Promise<number>> {
  // it counts from here on, for this session
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
  };
}

/** Beside the figures, which change all the time: sites that are switched off and on again, so that rows must be sorted. */
async function turn(admin: string, { seconds, perProcess }: WebPlan): Promise<void> {
  const give = async (place: number, verb: "enable" | "disable") => {
    const site = `t${Math.floor(place / perProcess) % TENANTS}/sites/s${String(place).padStart(4, "0")}`;
    const answer = await fetch(`http://hub/tenants/${site}/${verb}`, { method: "POST", unix: admin });
    if (!answer.ok) throw new Error(await answer.text());
  };
  const until = performance.now() + seconds * 1_000;
  for (let place = 0; performance.now() < until; place++) {
    await give(place, "disable");
    if (place >= TURNING) await give(place - TURNING, "enable");
    await Bun.sleep(1_000 / TURNS);
  }
}
