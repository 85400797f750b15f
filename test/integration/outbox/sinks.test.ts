import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../common/clock.ts";
import { systemDisk } from "../../../common/disk.ts";
import type { Letter } from "../../../hub/inbox/letter/index.ts";
import { notificationsConfig, notifyLane } from "../../../hub/inbox/notify/index.ts";
import { type Post, postOverNetwork, type Sink } from "../../../hub/inbox/sink/index.ts";
import { makeAuthority } from "../../e2e/certificates.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

const letter: Letter = {
  tenant: "acme",
  site: "main",
  sequence: 1,
  id: "00000000-0000-4000-8000-000000000001",
  idempotencyKey: "00000000-0000-4000-8000-000000000002",
  time: Date.UTC(2026, 0, 1),
  kind: "notification",
  body: Buffer.from(JSON.stringify({ context: { HOSTNAME: "h$(id)`id`", SERVICEOUTPUT: "'; rm -rf / #" } })),
};

function sinkOf(config: object, folder: string, post: Post = postOverNetwork): Sink {
  const parsed = notificationsConfig.parse({ sinks: { ticket: config } });
  const lane = notifyLane(parsed, {
    disk: systemDisk,
    clock: systemClock,
    post,
    directory: join(folder, "files"),
  });
  return lane.sinks({ tenant: "acme", site: "main" })[0] as Sink;
}

/** A program that writes down how it was called. */
function program(folder: string, end: string): string {
  const path = join(folder, "program");
  writeFileSync(
    path,
    `#!/bin/sh\nprintf '%s\\n' "$@" >> ${folder}/arguments\nenv >> ${folder}/environment\ncat "$2" >> ${folder}/seen\n${end}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

test("a command gets the notification as a file, nothing of it as a word, and the file goes away", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  process.env.FARSITE_TEST_SECRET = "secret";
  onTestFinished(() => void delete process.env.FARSITE_TEST_SECRET);
  const sink = sinkOf(
    { kind: "command", command: [program(folder, "exit 0"), "--notify", "{file}"] },
    folder,
  );
  expect(await sink.land([letter])).toEqual([]);
  const file = join(folder, "files/ticket", letter.id);
  expect(readFileSync(join(folder, "arguments"), "utf8")).toBe(`--notify\n${file}\n`);
  expect(readFileSync(join(folder, "seen"), "utf8")).toContain('"HOSTNAME": "h$(id)`id`"');
  const environment = readFileSync(join(folder, "environment"), "utf8");
  expect(environment).toContain(`FARSITE_IDEMPOTENCY_KEY=${letter.idempotencyKey}`);
  expect(environment).not.toMatch(/secret|rm -rf/);
  expect(existsSync(file)).toBe(false);
});

test("a command that ends with 2 will never take it; with another status it is tried again, ten times", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  const command = (end: string) => ({ kind: "command", command: [program(folder, end), "-f", "{file}"] });
  const never = await sinkOf(command("echo no such host; exit 2"), folder).land([letter]);
  expect(never.map(({ reason }) => reason)).toEqual([`${folder}/program ended with 2: no such host`]);
  const sink = sinkOf(command("exit 1"), folder);
  for (let tries = 1; tries < 10; tries++) await expect(sink.land([letter])).rejects.toThrow("ended with 1");
  expect(await sink.land([letter])).toHaveLength(1);
  expect(readdirSync(join(folder, "files/ticket"))).toEqual([]);
});

test("a command that does not end is killed, and one that is not there is reported", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  const command = [program(folder, "exec sleep 60"), "-f", "{file}"];
  const sink = sinkOf({ kind: "command", command, timeout_seconds: 0.2 }, folder);
  await expect(sink.land([letter])).rejects.toThrow("did not end in time");
  const missing = sinkOf({ kind: "command", command: ["/no/such/program", "{file}"] }, folder);
  await expect(missing.land([letter])).rejects.toThrow("ENOENT");
});

interface Request {
  headers: Headers;
  body: unknown;
}

/** A ticket system that answers with these statuses, the last one again and again. */
function ticketSystem(...statuses: number[]): { url: string; requests: Request[] } {
  const requests: Request[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      requests.push({ headers: request.headers, body: await request.json() });
      const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200;
      return new Response("no\nthanks", { status, headers: { location: "http://127.0.0.1:1/" } });
    },
  });
  onTestFinished(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}/hook`, requests };
}

test("a webhook gets tenant, site and macros as JSON, with an idempotency key and its secret", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  writeFileSync(join(folder, "secret"), "Bearer abc\n", { mode: 0o600 });
  const { url, requests } = ticketSystem(201);
  const config = { kind: "webhook", url, header: "Authorization", secret_file: join(folder, "secret") };
  expect(await sinkOf(config, folder).land([letter])).toEqual([]);
  expect(requests[0]?.headers.get("authorization")).toBe("Bearer abc");
  expect(requests[0]?.headers.get("idempotency-key")).toBe(letter.idempotencyKey);
  expect(requests[0]?.body).toEqual({
    id: letter.id,
    tenant: "acme",
    site: "main",
    time: "2026-01-01T00:00:00.000Z",
    context: { HOSTNAME: "h$(id)`id`", SERVICEOUTPUT: "'; rm -rf / #", OMD_SITE: "main" },
  });
});

test("a webhook that answers 4xx will never take it; with 5xx, 429 and a redirect it is tried again", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  const { url } = ticketSystem(500, 429, 302, 401, 422);
  const sink = sinkOf({ kind: "webhook", url }, folder);
  for (const status of [500, 429, 302, 401]) {
    await expect(sink.land([letter])).rejects.toThrow(`answered ${status}: no thanks`);
  }
  expect((await sink.land([letter])).map(({ reason }) => reason)).toEqual([
    `${new URL(url).host} answered 422: no thanks`,
  ]);
});

test("a webhook's secret that others may read is not used", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  writeFileSync(join(folder, "secret"), "x", { mode: 0o644 });
  const { url, requests } = ticketSystem(200);
  const config = { kind: "webhook", url, header: "Authorization", secret_file: join(folder, "secret") };
  await expect(sinkOf(config, folder).land([letter])).rejects.toThrow("can be read by others");
  expect(requests).toEqual([]);
});

test("only so many requests go out at a time", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  let now = 0;
  let most = 0;
  const post: Post = async () => {
    most = Math.max(most, ++now);
    await Bun.sleep(5);
    now--;
    return { status: 200, text: "" };
  };
  const sink = sinkOf({ kind: "webhook", url: "http://127.0.0.1/", parallel: 2 }, folder, post);
  await Promise.all(Array.from({ length: 8 }, () => sink.land([letter])));
  expect(most).toBe(2);
});

test("a sink for some tenants gets nothing of others", () => {
  const parsed = notificationsConfig.parse({
    sinks: { a: { kind: "spool", folder: "/a", tenants: ["acme"] }, b: { kind: "spool", folder: "/b" } },
  });
  const parts = { disk: systemDisk, clock: systemClock, post: postOverNetwork, directory: "/" };
  const lane = notifyLane(parsed, parts);
  expect(lane.sinks({ tenant: "acme", site: "main" }).map(({ name }) => name)).toEqual(["a", "b"]);
  expect(lane.sinks({ tenant: "globex", site: "main" }).map(({ name }) => name)).toEqual(["b"]);
});

test("a webhook with a certificate of a private authority needs that authority, and says so", async () => {
  const folder = scratchDirectory(cleanup, "sink");
  const authority = await makeAuthority(folder);
  const { certificate, key } = await authority.issue("tickets");
  const got: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") },
    fetch: async (request) => {
      got.push(await request.text());
      return new Response("");
    },
  });
  onTestFinished(() => server.stop(true));
  const config = { kind: "webhook", url: `https://127.0.0.1:${server.port}/` };
  await expect(sinkOf(config, folder).land([letter])).rejects.toThrow(
    /^nobody known here vouches for .*ca_file$/,
  );
  expect(got).toEqual([]);
  expect(await sinkOf({ ...config, ca_file: authority.file }, folder).land([letter])).toEqual([]);
  expect(got).toHaveLength(1);
  // for that host only
  const other = { ...config, url: `https://localhost:${server.port}/`, ca_file: authority.file };
  await expect(sinkOf(other, folder).land([letter])).rejects.toThrow();
  expect(got).toHaveLength(1);
});

test.each([
  ["is not there", undefined, "cannot be read"],
  ["is a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no PEM CERTIFICATE"],
  [
    "is damaged",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "certificate 1 is damaged",
  ],
])("a file of authorities that %s is named, with what is wrong", (_, contents, problem) => {
  const file = join(scratchDirectory(cleanup, "sink"), "authority.pem");
  if (contents !== undefined) writeFileSync(file, contents);
  const config = { kind: "webhook", url: "https://127.0.0.1/", ca_file: file };
  const where = `notifications.sinks.ticket.ca_file ${file}`;
  expect(() => sinkOf(config, ".")).toThrow(where);
  expect(() => sinkOf(config, ".")).toThrow(problem);
});
