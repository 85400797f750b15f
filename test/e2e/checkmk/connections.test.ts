/** What the hub's programs tell a central site of real sites. */
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { API, type CentralSettings, OWN, problem, SECRET, TestCentral, USER } from "../../lab/central.ts";
import {
  type CallOptions,
  FarsiteLab,
  type Finished,
  freePort,
  type TestHub,
  until,
} from "../../lab/farsite.ts";
import { makeAuthority } from "../certificates.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const ANSWER = "200           2\nok";

let hub: TestHub;
let addresses: Record<string, string>;

beforeAll(async () => {
  const core = await Target.start(manners.core(ANSWER), lab.cleanup);
  hub = await lab.startHub({ services: { broker: 5673 } });
  await lab.connect(hub, "acme/main", { services: { livestatus: core.name }, ...PROBED_ONCE });
  await hub.addSite("globex/east");
  await until("the core to be seen", async () => (await hub.site("acme/main")).livestatus.state === "online");
  addresses = Object.fromEntries(
    (await hub.status()).sites.map(({ tenant, site, address }) => [`${tenant}/${site}`, address]),
  );
});

/** Serves a central site, and gives the words that lead `apply` there. */
async function serve(settings: CentralSettings & { tls?: { certificate: string; key: string } } = {}) {
  const { tls, ...rest } = settings;
  const central = new TestCentral(rest);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: central.app.fetch,
    ...(tls && { tls: { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) } }),
  });
  lab.cleanup.add("stop a central site", () => server.stop(true));
  const url = `${tls ? "https" : "http"}://127.0.0.1:${server.port}${API}`;
  return { central, url, words: ["--url", url, "--user", USER] };
}

const withSecret: CallOptions = { env: { FARSITE_CHECKMK_SECRET: SECRET } };
const apply = (words: string[], options = withSecret): Promise<Finished> =>
  hub.call(["checkmk", "apply", ...words], options);

describe("farsite-hub checkmk sites.mk", () => {
  test("has the endpoints of the sites", async () => {
    const printed = await hub.ok("checkmk", "sites.mk");
    expect(printed).toMatch(/^# Written by farsite-hub .*\nsites\.update\(\{\n {4}"main": \{/);
    expect(printed).toContain(`"address": ("${addresses["acme/main"]}", 6557)`);
    expect(printed).toContain(`"multisiteurl": "http://${addresses["globex/east"]}:5000/east/check_mk/"`);
    const one = await hub.ok("checkmk", "sites.mk", "--tenant", "acme", "--unix", "--checkmk-version", "2.3");
    expect(one).toContain(`"path": "${join(hub.runDir, "acme/main/livestatus.sock")}"`);
    expect(one).not.toMatch(/globex|message_broker_port/);
    expect(await hub.ok("checkmk", "sites.mk", "--notify")).toContain(
      `"address": "${addresses["acme/main"]}"`,
    );
  });

  test("writes a file of its own, again too, and no other's", async () => {
    const own = join(lab.folder, "farsite.mk");
    for (const tenant of ["acme", "globex"]) {
      expect(await hub.ok("checkmk", "sites.mk", "--tenant", tenant, "--output", own)).toBe("");
      expect(readFileSync(own, "utf8")).toContain(`"${tenant}/`);
    }
    expect(statSync(own).mode & 0o777).toBe(0o640);
    const theirs = join(lab.folder, "sites.mk");
    writeFileSync(theirs, "# Created by WATO\nsites.update({})\n");
    const refused = await hub.call(["checkmk", "sites.mk", "--output", theirs]);
    expectRefusal(refused, "E_EXISTS", theirs, ">>");
    expect(readFileSync(theirs, "utf8")).toContain("WATO");
  });

  test.each([
    ["E_NOT_FOUND", ["--tenant", "initech"], "there is no tenant initech"],
    ["E_USAGE", ["--checkmk-version", "two"], "not a release of Checkmk: two"],
    ["E_USAGE", ["--alias", "{host}"], "only {tenant} and {site}"],
    ["E_SITE_ID", ["--site-id", "same"], "same (acme/main, globex/east)"],
    [
      "E_SITE_ID",
      ["--site-id", "{tenant}_{site}", "--replicate"],
      "acme/main: its ID at the central site (acme_main)",
    ],
  ] as const)("is refused with %s: %j", async (code, words, says) => {
    const finished = await hub.call(["checkmk", "sites.mk", ...words]);
    expect(finished.stderr).toContain(says);
    expectRefusal(finished, code);
  });
});

test("farsite-hub checkmk nagvis and thruk print their own forms", async () => {
  const backends = await hub.ok("checkmk", "nagvis");
  expect(backends).toContain(
    `[backend_acme_main]\nbackendtype="mklivestatus"\nsocket="tcp:${addresses["acme/main"]}:6557"`,
  );
  const peers = await hub.ok("checkmk", "thruk", "--unix", "--tenant", "globex");
  expect(peers).toContain(`peer = ${join(hub.runDir, "globex/east/livestatus.sock")}`);
  const file = join(lab.folder, "nagvis.ini.php");
  await hub.ok("checkmk", "nagvis", "--output", file);
  expect(readFileSync(file, "utf8").trimEnd()).toBe(backends.trimEnd());
});

describe("farsite-hub checkmk apply", () => {
  test("shows, makes, keeps, changes and removes connections", async () => {
    const { central, url, words } = await serve();
    const dry = await apply([...words, "--dry-run"]);
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(dry.stdout).toContain("+ acme/main: connection main would be new\n");
    expect(dry.stdout).toContain(`    status_connection.connection.host: "${addresses["acme/main"]}"\n`);
    expect([...central.sites.keys()]).toEqual([OWN]);

    const made = await apply(words);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("+ globex/east: connection east new\n");
    expect(central.socket("main")).toBe(`tcp ${addresses["acme/main"]} 6557 false`);

    const again = await apply([...words, "--json"]);
    expect(JSON.parse(again.stdout)).toEqual([
      { tenant: "acme", site: "main", id: "main", action: "keep", changes: [] },
      { tenant: "globex", site: "east", id: "east", action: "keep", changes: [] },
    ]);

    const changed = await apply([...words, "--tenant", "acme", "--replicate", "--alias", "Acme: {site}"]);
    expect(changed.stdout).toMatch(
      /^~ acme\/main: connection main changed\n {4}basic_settings.alias: "acme\/main" -> "Acme: main"\n/,
    );
    expect(central.sites.get("main")).toMatchObject({
      configuration_connection: {
        url_of_remote_site: `http://${addresses["acme/main"]}:5000/main/check_mk/`,
        message_broker_port: 5673,
      },
    });

    const audit = await hub.json<AuditRecord[]>("audit", "--action", "checkmk.connect");
    expect(audit).toContainEqual(
      expect.objectContaining({
        tenant: "acme",
        site: "main",
        detail: `main with tcp:${addresses["acme/main"]}:6557 at ${url}`,
      }),
    );

    const { token } = await hub.addSite("initech/hq");
    expect(token).toBeTruthy();
    await apply([...words, "--tenant", "initech"]);
    expect(central.sites.has("hq")).toBe(true);
    await hub.ok("site", "remove", "initech/hq");
    expect((await apply(words)).stdout).not.toContain("hq");
    const pruned = await apply([...words, "--prune"]);
    expect(pruned.stdout).toContain("- initech/hq: connection hq removed\n");
    expect([...central.sites.keys()]).toEqual([OWN, "main", "east"]);
  });

  test("says for each site what went wrong, goes on, and ends with 1", async () => {
    const { central, words } = await serve({ edition: "cme", customers: ["globex"] });
    const finished = await apply(words);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain(
      "! acme/main: the central site refuses the site connection main: Bad Request",
    );
    expect(finished.stdout).toContain("    site_config.basic_settings.customer: Customer not found.\n");
    expect(finished.stdout).toContain("+ globex/east: connection east new\n");
    expect(finished.stderr).toMatch(
      /^farsite-hub: 1 of 2 site connections .* \[E_CHECKMK_INCOMPLETE\]\n {2}acme\/main: /,
    );
    expectNoTrace(finished.stdout + finished.stderr);
    const json = JSON.parse((await apply([...words, "--json"])).stdout) as { error?: { code: string } }[];
    expect(json.map(({ error }) => error?.code)).toEqual(["E_CHECKMK_REFUSED", undefined]);
    expect(central.sites.has("main")).toBe(false);
  });

  test("leaves alone what was made by hand, until it is told to take it", async () => {
    const { central, words } = await serve();
    await apply(words);
    const { central: other, words: there } = await serve();
    const foreign = structuredClone(central.sites.get("main"));
    other.sites.set("main", foreign ?? {});
    const refused = await apply([...there, "--prune"]);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /^! acme\/main: .* was not made here .*\[E_CHECKMK_FOREIGN\]\n {4}.*--adopt main\n/,
    );
    expect(other.sites.get("main")).toEqual(foreign);
    expect((await apply([...there, "--adopt", "main"])).code).toBe(0);
    expect((await apply(there)).stdout).toContain("= acme/main: connection main as it should be\n");
  });

  test("keeps the secret out of what it prints, its command line, and the hub's log", async () => {
    const { central, words } = await serve();
    const file = join(lab.folder, "secret");
    writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
    let commandLine = "";
    central.before = () => {
      const pids = spawnedBy(process.pid);
      commandLine += pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")).join("\n");
    };
    central.answer("POST /domain-types/site_connection/collections/all", () =>
      problem(400, SECRET, SECRET, { x: [SECRET] }),
    );
    const finished = await apply([...words, "--secret-file", file], {});
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain("***");
    expect(commandLine).toContain("--secret-file");
    for (const text of [finished.stdout, finished.stderr, commandLine, hub.process.output]) {
      expect(text).not.toContain(SECRET);
    }
  });

  test("is not sent through a proxy in plain text", async () => {
    const { central, words } = await serve();
    const proxy = `http://127.0.0.1:${await freePort()}`;
    const env = { ...withSecret.env, HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy };
    expect((await apply([...words, "--dry-run"], { env })).code).toBe(0);
    expect(central.seen.length).toBeGreaterThan(0);
  });

  describe("over TLS", () => {
    test("trusts the authority that is named, and no other", async () => {
      const authority = await makeAuthority(lab.folder);
      const { central, words } = await serve({ tls: await authority.issue("central") });
      expectRefusal(await apply(words), "E_CHECKMK_TLS", "is not trusted", "--ca-file");
      expect(central.seen).toEqual([]);
      expect(await apply([...words, "--ca-file", authority.file, "--dry-run"])).toMatchObject({ code: 0 });
      const { words: misnamed } = await serve({
        tls: await authority.issue("other", { host: "other.example" }),
      });
      expectRefusal(await apply([...misnamed, "--ca-file", authority.file]), "E_CHECKMK_TLS");
      const { words: expired } = await serve({ tls: await authority.issue("expired", { from: -9, to: -2 }) });
      expectRefusal(await apply([...expired, "--ca-file", authority.file]), "E_CHECKMK_TLS");
    });
  });

  test.each([
    ["E_CHECKMK_AUTH", () => problem(401, "Unauthorized", "Wrong credentials"), "automation user"],
    [
      "E_CHECKMK_ANSWER",
      () => new Response(null, { status: 302, headers: { location: "../login.py" } }),
      "redirects to ../login.py",
    ],
    [
      "E_CHECKMK_ANSWER",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "it sends text/html",
    ],
    ["E_CHECKMK_ANSWER", () => problem(500, "General exception", "crash"), "HTTP 500"],
  ] as const)("ends with %s", async (code, answer, says) => {
    const { central, words } = await serve();
    central.answer("GET /version", answer);
    expectRefusal(await apply(words), code, says);
    expect(central.seen).toHaveLength(1);
  });

  test("ends when nobody is there", async () => {
    const url = `http://127.0.0.1:${await freePort()}${API}`;
    expectRefusal(await apply(["--url", url, "--user", USER]), "E_CHECKMK_UNREACHABLE", url);
  });

  test.each([
    [["--user", USER], "required option '--url <url>'"],
    [["--url", "http://mon.example/central/check_mk", "--user", USER], "would send the secret unprotected"],
    [["--url", "https://mon.example/", "--user", USER], "not the address of a REST API"],
    [["--url", `http://127.0.0.1/${OWN}/check_mk`, "--user", "a b"], "not a user of Checkmk"],
  ])("%j is wrong usage", async (words, says) => {
    const finished = await apply(words);
    expect(finished.stderr).toContain(says);
    expectRefusal(finished, "E_USAGE");
  });

  test("wants one secret, in a file that not everybody can read", async () => {
    const words = ["--url", `http://127.0.0.1/${OWN}/check_mk`, "--user", USER];
    expectRefusal(await apply(words, {}), "E_USAGE", "give the automation secret once");
    const file = join(lab.folder, "open-secret");
    writeFileSync(file, SECRET);
    chmodSync(file, 0o644);
    const finished = await apply([...words, "--secret-file", file], {});
    expectRefusal(finished, "E_KEY_FILE", "open to everybody");
    expect(finished.stderr).not.toContain(SECRET);
  });
});

/** The children of a process, by their parents' numbers in /proc. */
function spawnedBy(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
}
