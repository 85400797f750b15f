/** The pages without a hub: whatever a test says is what there is to see. */
import { Hono } from "hono";
import { systemClock } from "../../../../common/clock.ts";
import type { Log } from "../../../../common/log.ts";
import { systemRandom } from "../../../../common/random.ts";
import { RIGHTS, type Right } from "../../../../hub/access/index.ts";
import { loadAssets } from "../../../../hub/web/assets/index.ts";
import { Feeds } from "../../../../hub/web/events/index.ts";
import { pagesApp, pagesLook } from "../../../../hub/web/pages/index.ts";
import type { WebEnv } from "../../../../hub/web/site/index.ts";
import { madeSites, NOW } from "./made.ts";

/** Built once for all tests of a file. */
export const assets = await loadAssets();
export const look = pagesLook({ assets });

export interface PagesRig {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, form: Record<string, string | string[]>): Promise<Response>;
}

/** @param reach what is different from a hub with a few sites and an administrator */
export function pagesRig(reach: Record<string, unknown> = {}, rights: readonly Right[] = RIGHTS): PagesRig {
  const whole = {
    principal: { name: "alice", role: "administrator", tenants: "all", via: "session", from: "192.0.2.1" },
    has: (right: Right) => rights.includes(right),
    sites: async () => madeSites(5),
    sparks: async () => new Map(),
    tenants: async () => [{ name: "tenant-000", sites: 5 }],
    ...reach,
  };
  const app = new Hono<WebEnv>();
  app.use(async (context, next) => {
    context.set("reach", whole as never);
    context.set("csrf", "TOKEN");
    await next();
  });
  app.onError(async (error, context) => {
    const { code, message } = error as Error & { code: string };
    return context.html(await look.failure({ status: 400, code, message, hint: undefined }, context), 400);
  });
  const feeds = new Feeds({ clock: systemClock, random: systemRandom, log: {} as Log });
  app.route("/", pagesApp({ assets, feeds, services: ["livestatus", "http"], wall: () => NOW }));
  return {
    get: async (path, headers = {}) => app.request(path, { headers }),
    post: async (path, form) => {
      const body = new URLSearchParams(
        Object.entries(form).flatMap(([name, value]) =>
          [value].flat().map((each): [string, string] => [name, each]),
        ),
      );
      return app.request(path, { method: "POST", body });
    },
  };
}

/** Everything in a page that a Content-Security-Policy without `unsafe-inline` would not run or apply. */
export async function inlineIn(html: string): Promise<string[]> {
  const found: string[] = [];
  const rewriter = new HTMLRewriter()
    .on("*", {
      element({ tagName, attributes }) {
        for (const [name, value] of attributes) {
          if (name === "style" || name.startsWith("on")) found.push(`${tagName} ${name}`);
          if (/^\s*javascript:/i.test(value ?? "")) found.push(`${tagName} ${name}=${value}`);
        }
      },
    })
    .on("script", {
      element(element) {
        if (!element.getAttribute("src")?.startsWith("/assets/")) found.push("script");
      },
    })
    .on("style", { element: () => void found.push("style") })
    .on("link", {
      element(element) {
        if (!element.getAttribute("href")?.startsWith("/assets/")) found.push("link");
      },
    });
  await rewriter.transform(new Response(html)).text();
  return found;
}
