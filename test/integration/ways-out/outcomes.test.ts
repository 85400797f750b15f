/** The table: conditions of a network against what becomes of the agent's attempt to connect. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Finding } from "../../../agent/doctor/index.ts";
import type { ErrorCode } from "../../../common/errors.ts";
import { makeAuthority } from "../../e2e/certificates.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { ensurePackages } from "../../lab/debian.ts";
import { FarsiteLab, freePort } from "../../lab/farsite.ts";
import {
  PROXY_PACKAGES,
  PROXY_PASSWORD,
  PROXY_USER,
  startSquid,
  startTinyproxy,
  TINYPROXY_PASSWORD,
} from "../../lab/proxies.ts";
import * as middle from "./middlebox.ts";
import { Stage, type Way } from "./stage.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const stage = await Stage.open(lab);
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** An authority that nobody trusts unless told to. */
const inspector = await makeAuthority(scratchDirectory(lab.cleanup, "inspector"));
const unknown = await inspector.issue("127.0.0.1");
const trusted = await stage.authority.issue("middlebox");
const missing = new Set(await ensurePackages(PROXY_PACKAGES, { why: "testing against real proxies" }));

const wss = (port: number): string => `wss://127.0.0.1:${port}`;
const http = (port: number): string => `http://127.0.0.1:${port}`;

let files = 0;
function secret(text: string): string {
  const path = join(lab.folder, `password${++files}`);
  writeFileSync(path, `${text}\n`);
  chmodSync(path, 0o600);
  return path;
}

/** The way through a proxy that agent.toml names, with credentials or without. */
function through(url: string, user?: string, password?: string): Way {
  const login = user === undefined ? {} : { user, password_file: secret(password ?? "") };
  return { settings: { proxy: { url, ...login } } };
}

interface Row {
  condition: string;
  way: () => Promise<Way> | Way;
  /** `connected`, or the code of the error. */
  outcome: ErrorCode | "connected";
  /** The hop that status names. */
  hop?: string;
  /** What the message or the advice says. */
  says?: RegExp;
}

const isProblem = ({ state }: Finding): boolean => state === "problem";

function table(title: string, rows: Row[], run = true): void {
  describe.skipIf(!run)(title, () => {
    test.each(rows)("$condition: $outcome", async ({ way, outcome, hop, says }) => {
      const agent = stage.start(await way());
      try {
        const { code, said } = await agent.outcome();
        expect([code, agent.status.error?.hop], said).toEqual([outcome, hop]);
        if (says) expect(said).toMatch(says);
        if (outcome !== "connected") expect(agent.status.error?.hint).toBeDefined();
        expect(JSON.stringify([agent.status, agent.log.lines])).not.toMatch(/sesame/);
      } finally {
        await agent.stop();
      }
    });

    test.each(rows)("the doctor, $condition: $outcome", async ({ way, outcome, hop }) => {
      const findings = await stage.examine(await way());
      const { code, hop: where, owner, do: advice } = findings.find(isProblem) ?? {};
      const told = JSON.stringify(findings);
      expect([code ?? "connected", where], told).toEqual([outcome, hop]);
      expect(told).not.toMatch(/sesame/);
      if (outcome === "connected") {
        const steps = ["handshake", "clock", "round-trip", "large-messages", "throughput"];
        expect(findings.slice(-steps.length), told).toMatchObject(
          steps.map((step) => ({ step, state: "ok" })),
        );
      } else expect([owner, advice], told).not.toContain(undefined);
    });
  });
}

const hub = () => stage.hub.port;
const serve = async (
  what: Parameters<typeof middle.box>[1],
  certificate?: Parameters<typeof middle.box>[2],
) => (await middle.box(cleanup, what, certificate)).port;

table("without a proxy", [
  { condition: "nothing in between", way: () => ({}), outcome: "connected" },
  {
    condition: "a device that passes everything on",
    way: async () => ({ url: wss(await serve(middle.passTo(hub()))) }),
    outcome: "connected",
  },
  {
    condition: "a name that does not exist",
    way: () => ({ url: "wss://hub.invalid" }),
    outcome: "E_DNS",
    hop: "name",
    says: /getent hosts/,
  },
  {
    condition: "a port where nobody listens",
    way: async () => ({ url: wss(await freePort()) }),
    outcome: "E_HUB_UNREACHABLE",
    hop: "connection",
    says: /refuses the connection/,
  },
  {
    condition: "a black hole",
    way: async () => ({ url: wss(await middle.blackHole(cleanup)) }),
    outcome: "E_CONNECT_TIMEOUT",
    hop: "connection",
    says: /nothing answers/,
  },
  {
    condition: "silence once the connection is there",
    way: async () => ({ url: wss(await serve(() => {})) }),
    outcome: "E_TLS_TIMEOUT",
    hop: "tls",
  },
  {
    condition: "a device that cuts at the name in TLS",
    way: async () => ({
      url: wss(await serve((socket) => socket.once("data", () => socket.resetAndDestroy()))),
    }),
    outcome: "E_TLS_FAILED",
    hop: "tls",
    says: /inspects TLS, or filters by name/,
  },
  {
    condition: "plain HTTP where TLS should be",
    way: async () => ({ url: wss(await serve((socket) => socket.end(middle.page("200 OK")))) }),
    outcome: "E_TLS_FAILED",
    hop: "tls",
    says: /does not speak TLS/,
  },
]);

table("an inspecting middlebox", [
  {
    condition: "whose authority this host trusts",
    way: async () => ({
      url: wss(await serve(middle.inspectTo(hub(), stage.authority.file), unknown)),
      settings: { ca_file: inspector.file },
    }),
    outcome: "connected",
  },
  {
    condition: "whose authority this host does not trust",
    way: async () => ({ url: wss(await serve(middle.inspectTo(hub(), stage.authority.file), unknown)) }),
    outcome: "E_TLS_UNTRUSTED",
    hop: "tls",
    says: /issued by "Farsite test authority".*ca_file/s,
  },
  {
    condition: "that takes the Upgrade field away",
    way: async () => ({
      url: wss(await serve(middle.inspectTo(hub(), stage.authority.file, middle.withoutUpgrade), trusted)),
    }),
    outcome: "E_UPGRADE_STRIPPED",
    hop: "http",
    says: /Upgrade/,
  },
  {
    condition: "that takes the Upgrade field away, where requests may carry the session instead",
    way: async () => ({
      url: wss(await serve(middle.inspectTo(hub(), stage.authority.file, middle.withoutUpgrade), trusted)),
      settings: { carrier: { kind: "auto" } },
    }),
    outcome: "connected",
  },
  {
    condition: "that answers 101 and hangs",
    way: async () => ({ url: wss(await serve(middle.answerWith(middle.switchingProtocols), trusted)) }),
    outcome: "E_HANDSHAKE_TIMEOUT",
    hop: "handshake",
  },
  {
    condition: "that answers 101 and cuts",
    way: async () => ({
      url: wss(
        await serve((socket) => {
          middle.answerWith(middle.switchingProtocols)(socket);
          socket.on("data", (chunk: Buffer) => chunk[0] === 0x82 && socket.destroy());
        }, trusted),
      ),
    }),
    outcome: "E_HANDSHAKE",
    hop: "handshake",
  },
  {
    condition: "that never answers the request",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith(() => ""),
          trusted,
        ),
      ),
    }),
    outcome: "E_HTTP_TIMEOUT",
    hop: "http",
  },
  {
    condition: "that passes pages on but holds WebSockets back",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith((request) =>
            /upgrade:/i.test(request) ? "" : middle.page("426 Upgrade Required"),
          ),
          trusted,
        ),
      ),
    }),
    outcome: "E_HTTP_TIMEOUT",
    hop: "http",
    says: /WebSocket/,
  },
  {
    condition: "that hangs up on the request",
    way: async () => ({
      url: wss(await serve((socket) => socket.once("data", () => socket.end()), trusted)),
    }),
    outcome: "E_NOT_A_HUB",
    hop: "http",
  },
  {
    condition: "that changes the hub's first message",
    way: async () => ({
      url: wss(
        await serve(
          middle.inspectTo(hub(), stage.authority.file, () => {
            let chunks = 0;
            return middle.flipOnce("down", () => ++chunks === 2);
          }),
          trusted,
        ),
      ),
    }),
    outcome: "E_HUB_KEY",
    hop: "handshake",
    says: /changed the handshake/,
  },
]);

table("a captive portal", [
  {
    condition: "that answers 200 to everything",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith(() => middle.page("200 OK")),
          trusted,
        ),
      ),
    }),
    outcome: "E_CAPTIVE_PORTAL",
    hop: "http",
    says: /HTTP status 200/,
  },
  {
    condition: "that leads to its login",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith(() =>
            middle.page("302 Found", "Location: http://login.hotel.example/?mac=12\r\n"),
          ),
          trusted,
        ),
      ),
    }),
    outcome: "E_CAPTIVE_PORTAL",
    hop: "http",
    says: /leading to http:\/\/login\.hotel\.example\)/,
  },
  {
    condition: "with a certificate of its own",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith(() => middle.page("200 OK")),
          unknown,
        ),
      ),
    }),
    outcome: "E_TLS_UNTRUSTED",
    hop: "tls",
  },
  {
    condition: "that blocks with a page",
    way: async () => ({
      url: wss(
        await serve(
          middle.answerWith(() => middle.page("403 Forbidden")),
          trusted,
        ),
      ),
    }),
    outcome: "E_NOT_A_HUB",
    hop: "http",
    says: /HTTP status 403/,
  },
]);

/** One for all rows that want the same. */
function once<K extends string>(start: (auth: K) => Promise<{ port: number }>): (auth: K) => Promise<string> {
  const running = new Map<K, Promise<{ port: number }>>();
  return async (auth) => {
    const proxy = running.get(auth) ?? start(auth);
    running.set(auth, proxy);
    return http((await proxy).port);
  };
}
const squid = once((auth: "none" | "basic" | "digest") => startSquid({ auth, cleanup: lab.cleanup }));
const tinyproxy = once((auth: "none" | "basic") => startTinyproxy({ auth, cleanup: lab.cleanup }));

table(
  "Squid",
  [
    {
      condition: "without authentication",
      way: async () => through(await squid("none")),
      outcome: "connected",
    },
    {
      condition: "named by the environment",
      way: async () => ({ environment: { HTTPS_PROXY: await squid("none") } }),
      outcome: "connected",
    },
    {
      condition: "named without its scheme by the environment, with credentials",
      way: async () => ({
        environment: {
          https_proxy: (await squid("basic")).replace(
            "http://",
            `${PROXY_USER}:${encodeURIComponent(PROXY_PASSWORD)}@`,
          ),
        },
      }),
      outcome: "connected",
    },
    {
      condition: "with Basic",
      way: async () => through(await squid("basic"), PROXY_USER, PROXY_PASSWORD),
      outcome: "connected",
    },
    {
      condition: "with Digest",
      way: async () => through(await squid("digest"), PROXY_USER, PROXY_PASSWORD),
      outcome: "connected",
    },
    {
      condition: "with Basic, and no credentials",
      way: async () => through(await squid("basic")),
      outcome: "E_PROXY_AUTH_WANTED",
      hop: "proxy",
      says: /basic.*password_file/s,
    },
    {
      condition: "with Digest, and no credentials",
      way: async () => through(await squid("digest")),
      outcome: "E_PROXY_AUTH_WANTED",
      hop: "proxy",
      says: /digest/,
    },
    {
      condition: "with Basic, and a wrong password",
      way: async () => through(await squid("basic"), PROXY_USER, "sesame"),
      outcome: "E_PROXY_AUTH_WRONG",
      hop: "proxy",
    },
    {
      condition: "with Digest, and a wrong password",
      way: async () => through(await squid("digest"), PROXY_USER, "sesame"),
      outcome: "E_PROXY_AUTH_WRONG",
      hop: "proxy",
    },
    {
      condition: "with Digest, and a wrong user",
      way: async () => through(await squid("digest"), "somebody", PROXY_PASSWORD),
      outcome: "E_PROXY_AUTH_WRONG",
      hop: "proxy",
    },
    {
      condition: "that does not allow the port",
      way: async () => through(http((await startSquid({ auth: "none", onlyPort: 443, cleanup })).port)),
      outcome: "E_PROXY_DENIED",
      hop: "proxy",
      says: /HTTP status 403.*ERR_ACCESS_DENIED.*CONNECT/s,
    },
    {
      condition: "that cannot resolve the hub's name",
      way: async () => {
        const { settings } = through(await squid("none"));
        return { url: "wss://hub.invalid", settings: { ...settings, limits: { handshake_seconds: 30 } } };
      },
      outcome: "E_PROXY_UPSTREAM",
      hop: "connection",
      says: /HTTP status 50\d/,
    },
    {
      condition: "in front of a hub that is down",
      way: async () => {
        const port = await freePort();
        return { ...through(await squid("none")), url: wss(port) };
      },
      outcome: "E_PROXY_UPSTREAM",
      hop: "connection",
      says: /HTTP status 503/,
    },
    {
      condition: "in front of an inspecting middlebox that this host does not trust",
      way: async () => {
        const port = await serve(middle.inspectTo(hub(), stage.authority.file), unknown);
        return { ...through(await squid("none")), url: wss(port) };
      },
      outcome: "E_TLS_UNTRUSTED",
      hop: "tls",
      says: /issued by/,
    },
    {
      condition: "in front of a captive portal",
      way: async () => {
        const port = await serve(
          middle.answerWith(() => middle.page("200 OK")),
          trusted,
        );
        return { ...through(await squid("none")), url: wss(port) };
      },
      outcome: "E_CAPTIVE_PORTAL",
      hop: "http",
    },
  ],
  !missing.has("squid"),
);

table(
  "Tinyproxy",
  [
    {
      condition: "without authentication",
      way: async () => through(await tinyproxy("none")),
      outcome: "connected",
    },
    {
      condition: "with Basic",
      way: async () => through(await tinyproxy("basic"), PROXY_USER, TINYPROXY_PASSWORD),
      outcome: "connected",
    },
    {
      condition: "with Basic, and no credentials",
      way: async () => through(await tinyproxy("basic")),
      outcome: "E_PROXY_AUTH_WANTED",
      hop: "proxy",
    },
    {
      condition: "with Basic, and a wrong password",
      way: async () => through(await tinyproxy("basic"), PROXY_USER, "sesame"),
      outcome: "E_PROXY_AUTH_WRONG",
      hop: "proxy",
    },
    {
      condition: "that does not allow the port",
      way: async () => through(http((await startTinyproxy({ auth: "none", onlyPort: 443, cleanup })).port)),
      outcome: "E_PROXY_DENIED",
      hop: "proxy",
    },
    {
      condition: "in front of a hub that is down",
      way: async () => {
        const port = await freePort();
        return { ...through(await tinyproxy("none")), url: wss(port) };
      },
      outcome: "E_PROXY_UPSTREAM",
      hop: "connection",
    },
  ],
  !missing.has("tinyproxy"),
);

table("a proxy that does not work, although the hub could be reached directly", [
  {
    condition: "nobody listens",
    way: async () => through(http(await freePort())),
    outcome: "E_PROXY_UNREACHABLE",
    hop: "proxy",
    says: /refuses.*does not go past/s,
  },
  {
    condition: "nobody listens, and the environment names it",
    way: async () => ({ environment: { ALL_PROXY: http(await freePort()) } }),
    outcome: "E_PROXY_UNREACHABLE",
    hop: "proxy",
    says: /ALL_PROXY names it/,
  },
  {
    condition: "its name does not exist",
    way: () => through("http://proxy.invalid:3128"),
    outcome: "E_PROXY_DNS",
    hop: "proxy",
  },
  {
    condition: "a black hole",
    way: async () => through(http(await middle.blackHole(cleanup))),
    outcome: "E_PROXY_TIMEOUT",
    hop: "proxy",
    says: /nothing answers/,
  },
  {
    condition: "it takes the connection and is silent",
    way: async () => through(http(await serve(() => {}))),
    outcome: "E_PROXY_TIMEOUT",
    hop: "proxy",
    says: /did not answer in time/,
  },
  {
    condition: "it hangs up",
    way: async () => through(http(await serve((socket) => socket.once("data", () => socket.end())))),
    outcome: "E_PROXY_PROTOCOL",
    hop: "proxy",
  },
  {
    condition: "it is a web server",
    way: async () => through(http(await serve(middle.answerWith(() => middle.page("400 Bad Request"))))),
    outcome: "E_PROXY_PROTOCOL",
    hop: "proxy",
  },
  {
    condition: "it speaks something else",
    way: async () => through(http(await serve((socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")))),
    outcome: "E_PROXY_PROTOCOL",
    hop: "proxy",
  },
  {
    condition: "it offers Negotiate and NTLM only",
    way: async () =>
      through(
        http(
          await serve(
            middle.answerWith(() =>
              middle.page(
                "407 Proxy Authentication Required",
                "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n",
              ),
            ),
          ),
        ),
        PROXY_USER,
        PROXY_PASSWORD,
      ),
    outcome: "E_PROXY_AUTH_SCHEME",
    hop: "proxy",
    says: /only: negotiate, ntlm/,
  },
  {
    condition: "it blocks with a redirection to a page",
    way: async () =>
      through(
        http(
          await serve(
            middle.answerWith(() => middle.page("302 Found", "Location: http://blocked.example\r\n")),
          ),
        ),
      ),
    outcome: "E_PROXY_DENIED",
    hop: "proxy",
  },
  {
    condition: "its URL says https, and it does not speak TLS",
    way: async () =>
      through(
        `https://127.0.0.1:${await serve((socket) => socket.once("data", () => socket.end(middle.page("400 No"))))}`,
      ),
    outcome: "E_PROXY_TLS",
    hop: "proxy",
  },
  {
    condition: "its URL says https, and its certificate is not trusted",
    way: async () =>
      through(
        `https://127.0.0.1:${await serve(
          middle.answerWith(() => middle.page("200 OK")),
          unknown,
        )}`,
      ),
    outcome: "E_PROXY_TLS",
    hop: "proxy",
  },
]);

table("other settings", [
  {
    condition: "a proxy that is spoken to over TLS",
    way: async () =>
      through(
        `https://127.0.0.1:${await serve((socket) => {
          socket.once("data", () => {
            socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
            middle.passTo(hub())(socket);
          });
        }, trusted)}`,
      ),
    outcome: "connected",
  },
  {
    condition: "a dead proxy in the environment, which agent.toml overrules",
    way: async () => ({
      settings: { proxy: { url: "none" } },
      environment: { HTTPS_PROXY: http(await freePort()) },
    }),
    outcome: "connected",
  },
  {
    condition: "a dead proxy in the environment, which NO_PROXY exempts the hub from",
    way: async () => ({ environment: { HTTPS_PROXY: http(await freePort()), NO_PROXY: "127.0.0.0/8" } }),
    outcome: "connected",
  },
]);
