/** The web interface against people who mean harm: what a scanner sends, another tenant's user, and what leaks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensurePackages } from "../../lab/debian.ts";
import { until } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES } from "../../lab/icinga.ts";
import type { Answer, Visitor } from "../../lab/visitor.ts";
import { webRig } from "../../unit/web/rig.ts";
import { type Input, inputsOf, ODD_HEADERS, ODD_METHODS, pathOf } from "./inputs.ts";
import { PASSWORD, WebStage } from "./stage.ts";

const missing = await ensurePackages(ICINGA_PACKAGES, { why: "hostile requests" });
if (missing.length > 0) console.warn(`LEFT OUT: hostile requests: not installed: ${missing.join(", ")}`);

const AT_ONCE = 8;
/** Of the other tenant, of its hosts too. */
const FOREIGN = /globex|vienna|graz/i;
const OTHER = { tenant: "globex", site: "vienna" };
const NOBODYS = { tenant: "nowhere", site: "nothing" };
/** They end the session, take as long as a password is to take, or take nothing that could be wrong. */
const APART = new Set([
  ...["POST /logout", "POST /login", "POST /account/password"],
  ...["POST /api/v1/hub/keys/rotate", "POST /api/v1/hub/keys/retire"],
]);
/** A stream has no end. */
const ENDLESS = "GET /events";

interface Route {
  method: string;
  path: string;
}

describe.skipIf(missing.length > 0)("hostile requests", () => {
  const stage = new WebStage();
  const visitors: Visitor[] = [];
  /** Handed out once, to whom they are for. */
  const secrets: string[] = [PASSWORD];

  beforeAll(() => stage.start());
  afterAll(() => stage.end());

  async function visitor(name: Parameters<WebStage["visitor"]>[0]): Promise<Visitor> {
    const made = await stage.visitor(name);
    visitors.push(made);
    secrets.push(made.cookie.split("=")[1] ?? "");
    return made;
  }

  function stranger(): Visitor {
    const made = stage.anonymous();
    visitors.push(made);
    return made;
  }

  /** As the programs register them: one that is added is tried without a word here. */
  async function routes(): Promise<Route[]> {
    const { app } = await webRig();
    const found = app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("*"));
    const more = ["/metrics", "/healthz", "/readyz"].map((path) => ({ method: "GET", path }));
    const unique = new Map(
      [...found, ...more].map(({ method, path }) => [`${method} ${path}`, { method, path }]),
    );
    return [...unique.values()];
  }

  async function sendAll(who: Visitor, inputs: readonly Input[]): Promise<[Input, Answer][]> {
    const left = [...inputs];
    const answers: [Input, Answer][] = [];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let input = left.pop(); input; input = left.pop())
          answers.push([input, await who.ask(input.path, input).catch((error) => cut(input, error))]);
      }),
    );
    return answers;
  }

  /** What is too large may be cut off while it is still being sent, before the answer is read. */
  function cut({ kind, path }: Input, error: unknown): Answer {
    if (kind !== "oversized") throw error;
    return { asked: path, status: 413, headers: new Headers(), body: "" };
  }

  const told = ({ asked, status }: Answer, { kind, headers, body }: Partial<Input> = {}) =>
    `${status} ${asked} ${kind ?? ""} ${JSON.stringify(headers ?? {})} ${String(body ?? "").slice(0, 60)}`;

  test("every route answers what is missing, wrong and too large with 4xx, whoever sends it", async () => {
    const all = await routes();
    expect(all.length).toBeGreaterThan(30);
    const [alice, victor] = [await visitor("alice"), await visitor("victor")];
    const faults: string[] = [];
    let count = 0;
    for (const { method, path } of all) {
      const apart = APART.has(`${method} ${path}`);
      const inputs = inputsOf(method, path, NOBODYS).filter((_, index) => !apart || index % 5 === 0);
      const unknown = stranger();
      for (const who of apart ? [unknown] : [alice, victor, unknown]) {
        for (const [input, answer] of await sendAll(who, inputs)) {
          count++;
          const { status } = answer;
          const refused = status >= 400 && status < 500;
          // what is asked for with words that a page does not know is that page; nobody is sent to log in
          const sound = method === "GET" ? status < 500 : refused;
          const large = input.kind !== "oversized" || status === 413;
          if (!sound || !large) faults.push(told(answer, input));
        }
      }
    }
    console.info(`${count} hostile requests to ${all.length} routes`);
    expect(faults).toEqual([]);
  });

  test("odd headers and methods are refused, or do nothing", async () => {
    const [victor, unknown] = [await visitor("victor"), stranger()];
    const faults: string[] = [];
    for (const { path } of await routes()) {
      const where = pathOf(path, NOBODYS);
      const odd: Input[] = [
        ...ODD_HEADERS.map((headers): Input => ({ kind: "wrong", path: where, headers })),
        ...ODD_METHODS.map((method): Input => ({ kind: "wrong", path: where, method })),
      ];
      for (const who of [victor, unknown]) {
        for (const [input, answer] of await sendAll(who, odd))
          if (answer.status >= 500) faults.push(told(answer, input));
      }
    }
    expect(faults).toEqual([]);
  });

  test("what is no HTTP is refused as well, and the hub goes on", async () => {
    const { port } = new URL(stage.origin);
    const requests = [
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: \u0001\r\n\r\n",
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
      `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nname=`,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: -1\r\n\r\n`,
      `GET /login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n folded: x\r\n\r\n`,
      `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 200000000\r\n\r\nname=`,
      "\u0016\u0003\u0001 not HTTP at all\r\n\r\n",
    ];
    for (const request of requests) {
      const answer = await rawly(Number(port), request);
      expect([request.slice(0, 60), answer]).toEqual([
        request.slice(0, 60),
        expect.not.stringMatching(/^HTTP\/1.. (2|5)/),
      ]);
    }
    expect((await stranger().ask("/login")).status).toBe(200);
  });

  /** The first of what comes, or nothing where the connection is closed without a word. */
  function rawly(port: number, request: string): Promise<string> {
    return new Promise((resolve) => {
      void Bun.connect({
        hostname: "127.0.0.1",
        port,
        tls: { ca: stage.certificate },
        socket: {
          open: (socket) => void socket.write(request),
          data: (socket, data) => {
            resolve(data.toString());
            socket.end();
          },
          close: () => resolve(""),
          error: () => resolve(""),
        },
      });
    });
  }

  test("another tenant's is nobody's: routes, pages, commands, events and metrics tell nothing of it", async () => {
    const { globex, acme } = stage;
    const faults: string[] = [];
    const own = await Promise.all([visitor("victor"), visitor("tina")]);
    const streams = own.map((who) => who.events("?problems=yes"));
    const foreign = own.map((who) => who.events("?problems=yes&site=globex/vienna"));
    for (const who of own) {
      for (const { method, path } of await routes()) {
        if (APART.has(`${method} ${path}`) || `${method} ${path}` === ENDLESS) continue;
        const [theirs, nobodys] = await Promise.all(
          [OTHER, NOBODYS].map((place) => {
            const form = new URLSearchParams({ confirm: place.site, service: "http" });
            return who.ask(pathOf(path, place), { method, ...(method !== "GET" && { body: form }) });
          }),
        );
        const same = theirs?.body.replaceAll("globex", "nowhere").replaceAll("vienna", "nothing");
        if (path.includes(":tenant") && (theirs?.status !== nobodys?.status || same !== nobodys?.body))
          faults.push(told(theirs as Answer));
      }
      for (const query of ["?tenant=globex", "?site=vienna", "?q=vienna&handled=all"])
        for (const page of ["/", "/problems", "/audit"]) await who.ask(`${page}${query}`);
    }
    const service = await stage.well(globex, 3);
    await stage.result(globex, service, 2, "CRITICAL - at globex alone");
    const operator = await visitor("oscar");
    await until("the problem", async () =>
      (await operator.ask("/problems")).body.includes("at globex alone"),
    );
    const [, tina] = own;
    const mark = JSON.stringify(["globex", "vienna", service.host, service.service]);
    const commanded = await tina?.post("/problems", { do: "acknowledge", problem: mark, comment: "planted" });
    expect(commanded?.body).toContain("0 of 1 done.");
    expect(await stage.ofCore(globex, "GET comments\nColumns: id\nFilter: comment = planted")).toEqual([]);
    for (const who of own) expect((await who.ask("/metrics")).status).toBe(403);
    expect((await operator.ask("/metrics")).status).toBe(200);
    // what is told later than this, is told of what was before
    await stage.hub.ok("site", "disable", globex.path);
    await stage.hub.ok("site", "disable", acme.path);
    for (const { text } of streams) await until("an event", () => text().includes("disabled"));
    await stage.hub.ok("site", "enable", acme.path);
    await stage.hub.ok("site", "enable", globex.path);
    for (const { text } of [...streams, ...foreign])
      if (FOREIGN.test(text())) faults.push(`events: ${text()}`);
    for (const { end, over } of [...streams, ...foreign]) {
      end();
      await over;
    }
    for (const { answers } of own) {
      for (const answer of answers) {
        // a name that was sent may come back, in words that any name gets
        const asked = decodeURIComponent(answer.asked);
        const echoed = FOREIGN.test(asked) || answer === commanded;
        const left = echoed ? answer.body.replaceAll(/globex(\/vienna)?|vienna/g, "") : answer.body;
        const headers = JSON.stringify([...answer.headers]);
        if (FOREIGN.test(left.replaceAll(service.host, "")) || (!echoed && FOREIGN.test(headers)))
          faults.push(told(answer));
      }
    }
    expect(faults).toEqual([]);
  });

  test("every answer has the headers that keep browsers from harm, errors and assets too", async () => {
    const alice = await visitor("alice");
    const { body } = await alice.ask("/");
    const assets = [...body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(assets.length).toBeGreaterThan(2);
    for (const path of [...assets, "/sites/acme/berlin", "/healthz", "/readyz", "/nothing"])
      await alice.ask(path);
    const faults = new Set<string>();
    for (const answer of visitors.flatMap(({ answers }) => answers)) {
      const { headers, status } = answer;
      // the server's own, before it has read all of what was asked; without a word
      if ([413, 431].includes(status) && answer.body === "") continue;
      const has = (name: string, value: string | RegExp) => {
        const found = headers.get(name) ?? "";
        if (typeof value === "string" ? !found.includes(value) : !value.test(found))
          faults.add(`${name}: ${found}; ${told(answer)}`);
      };
      for (const word of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ])
        has("content-security-policy", word);
      has("content-security-policy", /^(?!.*unsafe)/);
      has("strict-transport-security", "max-age=31536000");
      has("x-content-type-options", "nosniff");
      has("x-frame-options", "DENY");
      has("referrer-policy", "same-origin");
      has("cross-origin-opener-policy", "same-origin");
      has("cross-origin-resource-policy", "same-origin");
      has(
        "cache-control",
        status === 200 && assets.includes(answer.asked.slice(4)) ? "immutable" : "no-store",
      );
      has("server", /^$/);
      has("x-powered-by", /^$/);
      has("access-control-allow-origin", /^$/);
      const cookie = headers.get("set-cookie");
      if (cookie) has("set-cookie", /^__Host-farsite.*; Path=\/; .*HttpOnly; Secure; SameSite=Lax/);
    }
    expect([...faults].slice(0, 20)).toEqual([]);
  });

  test("no secret is in an answer that is not for it, nor in the log, nor in the audit", async () => {
    const alice = await visitor("alice");
    const made = await alice.post("/account/tokens", { name: "planted", scope: "see", days: "1" });
    const [apiToken = ""] = /farsite_[0-9a-f]{16}_[\w-]{43}/.exec(made.body) ?? [];
    const added = await alice.post("/add", { tenant: "acme", name: "planted", service: "livestatus" });
    const [enrolment = ""] = /fst1_[\w-]+/.exec(added.body) ?? [];
    expect([apiToken, enrolment]).not.toContain("");
    const byToken = stranger();
    for (const path of ["/", "/metrics", "/nothing"])
      await byToken.ask(path, { headers: { authorization: `Bearer ${apiToken}` } });
    for (const path of ["/account", "/users", "/audit", "/about", "/sites/acme/planted", "/problems"])
      await alice.ask(path);
    // tokens are shown by their names; these parts are what makes them a secret
    secrets.push(apiToken.slice(-43), enrolment.slice(-60), ...keysIn(stage.hub.stateDir));
    for (const { agent } of [stage.acme, stage.globex]) secrets.push(...keysIn(agent.stateDir));
    expect(secrets.length).toBeGreaterThan(8);
    const audit = await stage.hub.ok("audit", "--json", "--limit", "1000");
    const answers = visitors.flatMap((who) => who.answers).filter((each) => each !== made && each !== added);
    const faults = new Set<string>();
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(15);
      for (const answer of answers) {
        // a cookie is given to whom it is for
        const headers = [...answer.headers].filter(([name]) => name !== "set-cookie");
        if (`${answer.body}${JSON.stringify(headers)}`.includes(secret)) faults.add(told(answer));
      }
      if (stage.log.includes(secret)) faults.add(`log: ${secret.slice(0, 6)}`);
      if (audit.includes(secret)) faults.add(`audit: ${secret.slice(0, 6)}`);
    }
    expect([...faults]).toEqual([]);
    expect(stage.log).not.toMatch(/web request failed/);
    expect(stage.log.length).toBeGreaterThan(1_000);
  });

  /** What only the owner of these files is to know: private keys. */
  function keysIn(folder: string): string[] {
    const files = readdirSync(folder).filter((name) => name.endsWith(".key") || name.endsWith("-key.pem"));
    const found = files.flatMap(
      (name) => readFileSync(join(folder, name), "utf8").match(/[A-Za-z0-9+/]{40,}/g) ?? [],
    );
    if (found.length === 0) throw new Error(`no key in ${folder}`);
    return found;
  }
});
