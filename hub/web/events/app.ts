/** `GET /events`: what changes, for pages that are open. */
import { Hono } from "hono";
import { z } from "zod";
import type { Clock, Timer } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { reachOf, type WebApp, type WebEnv } from "../site/index.ts";
import type { Reader } from "./feed.ts";
import type { Feeds } from "./feeds.ts";
import { type ProblemNews, problemNews } from "./problems.ts";
import type { EventReach } from "./reach.ts";
import { eventStream } from "./stream.ts";

export interface EventsOptions {
  feeds: Feeds;
  clock: Clock;
  /** Streams open at once. */
  most?: number;
  /** Of them, by one user. */
  mostOfOne?: number;
}

/** Streams open at once, and of one user: pages that are left open, on several screens. */
const MOST = 1_000;
const MOST_OF_ONE = 30;
/** ms between two signs of life; a page that hears nothing for 25 s begins anew. */
export const BEAT = 10_000;
/** ms after which a browser tries again by itself. */
const RETRY = 2_000;

const wanted = z.object({
  /** The last event that is in the page. */
  after: z.string().max(64).optional(),
  /** `TENANT/SITE`: of this one only. */
  site: z.string().max(200).optional(),
  /** Of problems, too. */
  problems: z.literal("yes").optional(),
});

export function eventsApp({ feeds, clock, most = MOST, mostOfOne = MOST_OF_ONE }: EventsOptions): WebApp {
  const app = new Hono<WebEnv>();
  const open = new Map<string, number>();
  let all = 0;

  app.get("/", (context) => {
    const reach: EventReach = reachOf(context);
    const { data } = wanted.safeParse(context.req.query());
    if (!data) throw new FarsiteError("E_REQUEST", "the request for events is malformed");
    const { name } = reach.principal;
    const own = open.get(name) ?? 0;
    if (all >= most || own >= mostOfOne)
      throw new FarsiteError("E_LIMIT", "too many pages are open", "Close some, or try again later.");

    const feed = feeds.of(reach);
    // what the browser saw last counts more than what the page had in it when it was made
    const cursor = context.req.header("last-event-id") ?? data.after ?? "";
    const seen = cursor === "" ? feed.standing(feed.cursor) : feed.standing(cursor);
    const ends: (() => void)[] = [];
    const stream = eventStream(
      () => {
        feed.tell(reader);
        problems.drained();
      },
      () => {
        for (const end of ends) end();
      },
    );
    const reader: Reader = {
      reach,
      seen: seen ?? feed.standing(feed.cursor) ?? 0,
      only: data.site,
      ready: stream.ready,
      send: stream.send,
    };
    const problems = problemNews(clock, stream.ready, (unhandled) => {
      stream.send(event("problems", { unhandled }));
    });
    ends.push(problems.close);
    // first what may be refused
    ends.push(
      reach.watch(
        ({ tenant, site }) => feed.touch(tenant, site),
        () => stream.close(),
      ),
    );
    if (data.problems) {
      ends.push(watchProblems(reach, problems.changed, stream.close));
      // how many there are already; a hub that gathers none, or has too much to do, says nothing
      void reach.problems({ limit: 1 }).then(problems.changed, () => {});
    }
    all++;
    open.set(name, own + 1);
    ends.push(() => {
      all--;
      const left = (open.get(name) ?? 1) - 1;
      if (left === 0) open.delete(name);
      else open.set(name, left);
    });
    stream.send(`retry: ${RETRY}\n${event(seen === undefined ? "resync" : "hello", {}, feed.cursor)}`);
    ends.push(feed.join(reader));
    ends.push(
      beating(clock, () => {
        if (stream.ready()) stream.send(event("beat", {}));
      }),
    );
    return new Response(stream.body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  });
  return app;
}

/** Throws E_LIMIT, after which nothing else is watched either. */
function watchProblems(reach: EventReach, changed: ProblemNews["changed"], close: () => void): () => void {
  try {
    return reach.watchProblems(changed);
  } catch (error) {
    close();
    throw error;
  }
}

function event(name: string, data: unknown, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Returns what ends it. */
function beating(clock: Clock, beat: () => void): () => void {
  let timer: Timer;
  const next = () => {
    timer = clock.after(BEAT, () => {
      beat();
      next();
    });
  };
  next();
  return () => timer.cancel();
}
