/** What people look at, and what they script with: Checkmk's way of asking, NagVis, pynag, the Perl client. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensurePackages, unpackPackage } from "../../lab/debian.ts";
import { FarsiteLab, freePort, type TestHub, until } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES, type IcingaSite, makeIcingaSite, settled, startIcinga } from "../../lab/icinga.ts";
import { rows, type Target } from "../../lab/livestatus.ts";
import type { LabProcess } from "../../lab/process.ts";
import { treeOf } from "../../lab/process-tree.ts";
import { peer, run, socketUrl } from "./programs.ts";

const SITES = ["main", "branch"] as const;
type SiteName = (typeof SITES)[number];
const WAYS = ["TCP", "Unix socket"] as const;
type Way = (typeof WAYS)[number];
/** Where NagVis keeps its classes, in Debian's package. */
const NAGVIS = "usr/share/nagvis/share/server/core";
/** Debian's, which has Debian's modules. */
const PYTHON = "/usr/bin/python3";
const WHY = "Livestatus with what people look at";

const lab = new FarsiteLab();
const missing = await ensurePackages(
  [...ICINGA_PACKAGES, "libmonitoring-livestatus-perl", "python3-pynag", "php-cli"],
  { why: WHY },
);
const core = missing.some((name) => ICINGA_PACKAGES.includes(name));
// its dependencies are a web server and more, of which its backend needs nothing
const nagvis = join(lab.folder, "nagvis");
const unpacked = await unpackPackage("nagvis", nagvis, { why: WHY, cleanup: lab.cleanup });
const without = {
  perl: missing.includes("libmonitoring-livestatus-perl"),
  pynag: missing.includes("python3-pynag"),
  nagvis: missing.includes("php-cli") || !unpacked || !existsSync(join(nagvis, NAGVIS)),
  checkmk: !existsSync(PYTHON),
};
for (const [name, left] of Object.entries(without))
  if (core || left) console.warn(`LEFT OUT: Livestatus with ${name}: not installed: ${missing.join(", ")}`);

/** Client programs print one JSON document. */
type Printed = Record<string, unknown>;

describe.skipIf(core)("Livestatus with what people look at", () => {
  let hub: TestHub;
  let port: number;
  const cores = {} as Record<SiteName, IcingaSite>;
  const daemons = {} as Record<SiteName, LabProcess>;

  beforeAll(async () => {
    port = await freePort();
    hub = await lab.startHub({ viewer: [{ listen: `127.0.0.1:${port}`, view: "acme" }] });
    for (const [at, name] of SITES.entries()) {
      const site = makeIcingaSite({
        name,
        directory: join(lab.folder, name),
        hosts: 15 + 10 * at,
        servicesPerHost: 8,
      });
      cores[name] = site;
      daemons[name] = await startIcinga(site, { cleanup: lab.cleanup });
      await lab.connect(hub, `acme/${name}`, { services: { livestatus: `unix:${site.socket}` } });
    }
    for (const site of Object.values(cores)) await settled(site);
    for (const name of SITES) await state(name, "online");
  });
  afterAll(() => lab.end());

  const direct = (site: SiteName): Target => ({ unix: cores[site].socket });

  /** A site's endpoint. */
  async function endpoint(site: SiteName, way: Way): Promise<Target> {
    const { address, port, socket } = await hub.endpoint(`acme/${site}`, "livestatus");
    return way === "TCP" ? { host: address, port } : { unix: socket };
  }

  /** The tenant's. */
  function both(way: Way): Target {
    return way === "TCP"
      ? { host: "127.0.0.1", port }
      : { unix: join(hub.runDir, "acme", "livestatus.sock") };
  }

  async function endpoints(way: Way): Promise<Record<SiteName, Target>> {
    return { main: await endpoint("main", way), branch: await endpoint("branch", way) };
  }

  function state(site: SiteName, word: string): Promise<void> {
    return until(`${site} to be ${word}`, async () => {
      return (await hub.site(`acme/${site}`)).livestatus.state === word;
    });
  }

  function signal(site: SiteName, name: "SIGSTOP" | "SIGCONT"): void {
    for (const { pid } of treeOf(daemons[site].pid ?? 0)) process.kill(pid, name);
  }

  /** A host's plugin output, as the core itself has it. */
  async function output(host: string | undefined): Promise<unknown> {
    const [row] = await rows(direct("main"), `GET hosts\nColumns: plugin_output\nFilter: name = ${host}`);
    return row?.[0];
  }

  const firstHost = () => cores.main.hosts[0]?.name ?? "";
  const numberOfHosts = () => cores.main.hosts.length + cores.branch.hosts.length;
  const now = () => Math.floor(Date.now() / 1_000);
  /** A command that changes nothing of what the clients ask for. */
  const comment = (text: string) => `COMMAND [${now()}] ADD_HOST_COMMENT;${firstHost()};1;admin;${text}`;

  async function commented(text: string): Promise<void> {
    const comments = () => rows(direct("main"), "GET comments\nColumns: comment");
    await expect.poll(comments, { timeout: 10_000 }).toContainEqual([text]);
  }

  describe.skipIf(without.checkmk)("Checkmk's way of asking", () => {
    test.each(WAYS)("is given the same of all sites by %s as by the cores", async (way) => {
      const { pages: expected } = await checkmk({ main: direct("main"), branch: direct("branch") }, 3);
      const said = `gesehen über ${way}`;
      const command = `PROCESS_HOST_CHECK_RESULT;${firstHost()};0;${said}`;
      const { pages, waited } = await checkmk(await endpoints(way), 3, command);
      // what the first way's command has changed is in neither
      expect(pages).toEqual(expected);
      expect(pages[0]?.dead).toEqual({});
      expect(pages[0]?.answers[5]?.main).not.toEqual([]);
      // a command has no answer, which the client would take for that of its next query
      expect(waited).toEqual({ first: [[firstHost()]] });
      await expect.poll(() => output(firstHost())).toBe(said);
    });

    test("asks the core only once for what holds until it reloads, and the hub says how often", async () => {
      const tcp = await endpoint("branch", "TCP");
      const before = (await hub.site("acme/branch")).requests;
      await checkmk({ branch: tcp }, 10);
      const after = (await hub.site("acme/branch")).requests;
      // a probe, three lists of groups and a user's hosts for each page; they may be new to the hub
      expect((after?.cacheHits ?? 0) - (before?.cacheHits ?? 0)).toBeGreaterThanOrEqual(9 * 5);
      const told = new RegExp(
        `${after?.cacheHits} of ${(after?.cacheHits ?? 0) + (after?.cacheMisses ?? 0)} `,
      );
      expect(await hub.ok("site", "show", "acme/branch")).toMatch(told);
      const file = join(hub.runDir, "livestatus.state");
      await expect.poll(() => readFileSync(file, "utf8"), { timeout: 10_000 }).toMatch(told);
    });

    test.each(WAYS)("is given a tenant's sites as one by %s", async (way) => {
      const { pages } = await checkmk({ acme: both(way) }, 1);
      const [[counts] = [], problems = []] = [0, 5].map((at) => pages[0]?.answers[at]?.acme as number[][]);
      expect(Number(counts?.[0]) + Number(counts?.[1])).toBe(numberOfHosts());
      expect(problems).toHaveLength(Number(counts?.[1]));
      expect(pages[0]?.dead).toEqual({});
    });
  });

  describe.skipIf(without.pynag)("pynag (Python)", () => {
    test.each(WAYS)("is given the same by %s as by the core", async (way) => {
      const expected = await pynag(direct("main"), comment("direkt"));
      const got = await pynag(await endpoint("main", way), comment(`pynag über ${way}`));
      await commented(`pynag über ${way}`);
      expect(got).toEqual(expected);
      const [firstByName] = cores.main.hosts.map(({ name }) => name).sort();
      expect(got).toMatchObject({
        test: true,
        host: cores.main.hosts.find(({ name }) => name === firstByName)?.address,
        command: "",
        wrong: { error: "LivestatusError", text: expect.stringContaining("'nosuch' does not exist") },
      });
      expect(got.hosts).toHaveLength(cores.main.hosts.length);
      expect(got.services).not.toEqual([]);
    });

    test.each(WAYS)(
      "adds up sites itself, and is given the same by the tenant's endpoint, by %s",
      async (way) => {
        const { main, branch } = await endpoints(way);
        const command = `${comment(`pynag an alle über ${way}`)}\nBackends: main`;
        const got = await pynag(both(way), command, { main, branch });
        await commented(`pynag an alle über ${way}`);
        expect(got.hosts).toHaveLength(numberOfHosts());
        const { hosts, counts } = got.several as { hosts: Printed[]; counts: number[] };
        expect(hosts).toHaveLength(numberOfHosts());
        expect(got.counts).toEqual(counts);
      },
    );
  });

  describe.skipIf(without.nagvis)("NagVis's backend (PHP)", () => {
    test.each(WAYS)("is given the same for its maps by %s as by the core", async (way) => {
      const [at, acknowledged] = [
        WAYS.indexOf(way),
        "GET services\nColumns: host_name\nFilter: acknowledged = 1",
      ];
      const problems = cores.main.hosts.flatMap(({ name, services }) =>
        services.filter((each) => each.state > 0).map(({ description }) => ({ name, description })),
      );
      // each of its own: an acknowledgement changes what is asked
      const { name = "", description = "" } = problems[at * 3] ?? {};
      const got = await nagvisMap(await endpoint("main", way), name, description);
      await expect.poll(() => rows(direct("main"), acknowledged)).toContainEqual([name]);
      const after = await nagvisMap(direct("main"), name, description);
      const again = await nagvisMap(await endpoint("main", way), name, description);
      expect(again).toEqual(after);
      expect(got).toMatchObject({ objects: after.objects, roots: after.roots, contacts: after.contacts });
      expect(got).toMatchObject({
        wrong: {
          error: "BackendConnectionProblem",
          text: expect.stringContaining("'nosuch' does not exist"),
        },
      });
      expect(Object.keys((got.host as Printed) ?? {})).toEqual([name]);
    });

    test.each(WAYS)("is given a tenant's sites as one by %s", async (way) => {
      const { name = "", services: [{ description = "" } = {}] = [] } = cores.branch.hosts[0] ?? {};
      const got = await nagvisMap(both(way), name, description);
      const own = await nagvisMap(direct("branch"), name, description);
      const [hosts] = got.objects as Printed[][];
      expect(hosts).toHaveLength(numberOfHosts());
      for (const part of ["host", "members", "services", "service", "children"]) {
        expect({ part, got: got[part] }).toEqual({ part, got: own[part] });
      }
      const other = await nagvisMap(direct("main"), name, description);
      for (const part of ["hostgroup", "servicegroup"]) {
        expect({ part, got: got[part] }).toEqual({ part, got: sum(own[part], other[part]) });
      }
    });
  });

  describe("while a site's core hangs", () => {
    const HUNG = "the site is dead (hung): takes connections, but did not answer within 2 s";
    beforeAll(() => signal("main", "SIGSTOP"));
    afterAll(async () => {
      signal("main", "SIGCONT");
      await state("main", "online");
    });

    // clients have no limit, or a long one, for such a wait: what they say is what the hub has told them
    test.skipIf(without.checkmk)("Checkmk's way of asking: the other site is there", async () => {
      // this one asks before the hub knows, and waits for its word
      const early = await checkmk(await endpoints("TCP"), 1);
      expect(early.pages[0]?.dead).toEqual({ main: `502: ${HUNG}` });
      await state("main", "dead");
      for (const way of WAYS) {
        const { pages } = await checkmk(await endpoints(way), 2);
        for (const { dead, answers } of pages) {
          expect(dead).toEqual({ main: `502: ${HUNG}` });
          expect(answers[0]).toHaveProperty("branch");
        }
        const { pages: tenant } = await checkmk({ acme: both(way) }, 1);
        // as if there were no other
        expect(tenant[0]?.answers[0]?.acme).toEqual(pages[0]?.answers[0]?.branch);
      }
    });

    test.skipIf(without.pynag).each(WAYS)("pynag by %s", async (way) => {
      await state("main", "dead");
      const got = await pynag(await endpoint("main", way), comment("nie"));
      const failed = {
        error: "LivestatusError",
        text: expect.stringContaining(`Error '502' from livestatus: ${HUNG}`),
      };
      expect(got).toMatchObject({ test: false, hosts: failed, counts: failed, after_command: failed });
    });

    test.skipIf(without.nagvis).each(WAYS)("NagVis's backend by %s", async (way) => {
      await state("main", "dead");
      const got = await nagvisMap(await endpoint("main", way), firstHost(), "CPU load");
      const failed = { error: "BackendConnectionProblem", text: expect.stringContaining(HUNG) };
      // all over one connection
      expect(got).toMatchObject({ start: failed, host: failed, hostgroup: failed, problems: failed });
    });

    test.skipIf(without.perl).each(WAYS)("Monitoring::Livestatus by %s", async (way) => {
      await state("main", "dead");
      const target = await endpoint("main", way);
      for (const keepalive of ["0", "1"]) {
        const got = await script("perl", "client.pl", peer(target), keepalive, comment("nie"));
        expect(got).toMatchObject({ services: null, after_error: null, error: [502, `${HUNG}`] });
      }
    });
  });
});

/** Adds up the numbers at the same places of two values; what else stands there is the same in both. */
function sum(one: unknown, other: unknown): unknown {
  if (typeof one === "number" && typeof other === "number") return one + other;
  if (typeof one !== "object" || one === null) return one;
  const entries = Object.entries(one).map(([key, value]) => [key, sum(value, (other as Printed)?.[key])]);
  return Array.isArray(one) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

interface CheckmkPages {
  pages: { probes: Printed; answers: Printed[]; seen: Printed; dead: Record<string, string> }[];
  waited: Printed | null;
}

async function checkmk(targets: Record<string, Target>, count: number, command = "-"): Promise<CheckmkPages> {
  const urls = Object.entries(targets).map(([name, target]) => `${name}=${socketUrl(target)}`);
  return (await script(PYTHON, "checkmk.py", String(count), command, ...urls)) as unknown as CheckmkPages;
}

function pynag(target: Target, command: string, others: Record<string, Target> = {}): Promise<Printed> {
  const named = Object.entries(others).map(([name, other]) => `${name}=${peer(other)}`);
  return script(PYTHON, "pynag-client.py", peer(target), command, ...named);
}

function nagvisMap(target: Target, host: string, service: string): Promise<Printed> {
  return script("php", "nagvis.php", join(nagvis, NAGVIS), socketUrl(target), host, service);
}

/** Runs a script of this folder and gives what it prints. */
async function script(interpreter: string, name: string, ...args: string[]): Promise<Printed> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return JSON.parse((await run([interpreter, path, ...args])).toString()) as Printed;
}
