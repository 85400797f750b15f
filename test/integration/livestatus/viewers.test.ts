import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Authority, type CertificateFiles, makeAuthority } from "../../e2e/certificates.ts";
import { python } from "../../e2e/viewer/python.ts";
import { freePort } from "../../lab/farsite.ts";
import { rows } from "../../lab/livestatus.ts";
import { waitFor } from "../../lab/process.ts";
import { perl, remark, remarked, run } from "./programs.ts";
import { suite } from "./stage.ts";

const PACKAGES = ["perl", "libmonitoring-livestatus-perl", "libio-socket-ssl-perl", "python3", "socat"];
const HOST = "127.0.0.1";

const folder = mkdtempSync(join(tmpdir(), "farsite-viewers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ports = { own: 0, files: 0, clients: 0, tenant: 0, plain: 0 };
for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
const { own, files, clients, tenant, plain } = ports;
const authority: Authority = await makeAuthority(folder);
const certificate: CertificateFiles = await authority.issue("hub");
const client: CertificateFiles = await authority.issue("client", { role: "client" });
const viewer = [
  { listen: `${HOST}:${own}`, view: "acme/main", tls: "self" as const },
  { listen: `${HOST}:${files}`, view: "acme/main", tls: "files" as const, ...certificate },
  {
    listen: `${HOST}:${clients}`,
    view: "acme/main",
    tls: "files" as const,
    ...certificate,
    client_authorities: authority.file,
  },
  { listen: `${HOST}:${tenant}`, view: "acme", tls: "self" as const },
  { listen: `${HOST}:${plain}`, view: "acme/main" },
];

await suite("Livestatus for viewer sites", { packages: PACKAGES, viewer }, (stage) => {
  const ca = () => join(stage().hub.stateDir, "viewer-authority.pem");

  describe("Monitoring::Livestatus (Perl) over TLS", () => {
    /** What the client is given where socat does TLS in front of the core, as stunnel does in Checkmk. */
    let measures: Map<boolean, Record<string, unknown>>;
    beforeAll(async () => {
      const port = await freePort();
      const { unix } = stage().core as { unix: string };
      const listen = `OPENSSL-LISTEN:${port},bind=${HOST},fork,verify=0`;
      const pair = `cert=${certificate.certificate},key=${certificate.key}`;
      const socat = spawn("socat", ["-t", "30", `${listen},${pair}`, `UNIX-CONNECT:${unix}`]);
      try {
        await waitFor("socat to listen", () => accepts(port), { withinMs: 10_000 });
        const ask = async (keepalive: boolean) => {
          const got = await perl(`tls://${HOST}:${port}`, keepalive, remark(stage(), "x"), [authority.file]);
          return [keepalive, got] as const;
        };
        measures = new Map([await ask(true), await ask(false)]);
      } finally {
        socat.kill();
        await once(socat, "close");
      }
    });

    const places = [
      ["the hub's own certificate", own, () => [ca()]],
      ["one from files", files, () => [authority.file]],
      ["one from files, and its own", clients, () => [authority.file, client.certificate, client.key]],
    ] as const;
    const cases = places.flatMap(([name, port, tls]) =>
      [true, false].map((keepalive) => ({ name, port, tls, keepalive })),
    );

    test.each(cases)(
      "is given the same as by the core, with $name, keepalive $keepalive",
      async ({ name, port, tls, keepalive }) => {
        const said = `gesagt mit ${name}, ${keepalive}`;
        const got = await perl(`tls://${HOST}:${port}`, keepalive, remark(stage(), said), tls());
        await expect.poll(() => remarked(stage()), { timeout: 10_000 }).toBe(said);
        expect(settled(got)).toEqual(settled(measures.get(keepalive) ?? {}));
        expect(got.services).toHaveLength(3_000);
      },
    );
  });

  describe("Python, as Checkmk's GUI", () => {
    const query = "GET services\nColumns: host_name description state plugin_output";

    test.each([
      ["TLS 1.3", own, false],
      ["TLS 1.2", own, true],
      ["plain text", plain, false],
    ] as const)("is given the same as by the core, %s", async (name, port, tls12) => {
      const options = { tls12, format: "json", ...(name !== "plain text" && { ca: ca() }) };
      const { answers = [], failed } = await python({
        host: HOST,
        port,
        queries: [query, query],
        ...options,
      });
      expect(failed).toBeUndefined();
      const direct = await rows(stage().core, query);
      for (const { code, body } of answers) expect([code, JSON.parse(body)]).toEqual([200, direct]);
      expect(direct).toHaveLength(3_000);
    });

    test("sees the tenant's sites as one", async () => {
      const stats = "GET services\nStats: state = 0\nStats: state != 0";
      const options = { host: HOST, port: tenant, ca: ca(), format: "json" };
      const { answers } = await python({ ...options, queries: [stats, `${query}\nSort: host_name asc`] });
      const [counts] = await rows(stage().core, stats);
      expect(JSON.parse(answers?.[0]?.body ?? "")).toEqual([counts]);
      expect(JSON.parse(answers?.[1]?.body ?? "")).toHaveLength(3_000);
    });
  });

  test("socat, which ends its sending direction, is given the same as by the core", async () => {
    const query = "GET services\nColumns: host_name description state plugin_output\nOutputFormat: json\n\n";
    const unix = `UNIX-CONNECT:${(stage().core as { unix: string }).unix}`;
    const tls = `OPENSSL:${HOST}:${own},cafile=${ca()}`;
    const [direct, seen] = [
      await run(["socat", "-t", "30", "-", unix], query),
      await run(["socat", "-t", "30", "-", tls], query),
    ];
    expect(seen.equals(direct)).toBe(true);
    expect(JSON.parse(seen.toString())).toHaveLength(3_000);
  });

  test("what is asked through TLS is not asked twice: the cache and the channels are the site's own", async () => {
    const probe = "GET hostgroups\nColumns: name alias";
    const ask = (port: number) => python({ host: HOST, port, ca: ca(), format: "json", queries: [probe] });
    const first = await ask(own);
    expect(first.answers?.[0]?.code).toBe(200);
    const before: number = await stage().accepted();
    expect(await ask(own)).toEqual(first);
    expect((await stage().accepted()) - before).toBe(1);
  });
});

/**
 * What does not depend on chance. Behind a command the client ends its sending direction, and whether it notices before
 * it asks again over the same connection, it does not know itself.
 */
function settled({ after_command: _, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
