import { once } from "node:events";
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { scratchDirectory } from "../lab/cleanup.ts";
import { FarsiteLab, until } from "../lab/farsite.ts";
import { makeOmdSite, type OmdSite } from "../lab/omd-tree.ts";
import { withoutPrivilege } from "./privilege.ts";
import { expectRefusal } from "./refusal.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

/** A folder that stands for `/` of a host with these sites; the ones called `running` have a core that listens. */
async function host(...sites: (Partial<OmdSite> & { name: string })[]): Promise<string[]> {
  const root = scratchDirectory(lab.cleanup, "omd");
  for (const [nth, site] of sites.entries()) {
    const folder = makeOmdSite(root, { nth, version: "2.3.0p20.cre", ...site });
    if (site.name !== "running") continue;
    const socket = join(folder, "tmp/run/live");
    rmSync(socket);
    const core = createServer().listen(socket);
    await once(core, "listening");
    lab.cleanup.add("close a core", () => core.close());
  }
  return ["--root", root];
}

const LIVE = "unix:/omd/sites/running/tmp/run/live";

describe("farsite-agent detect", () => {
  test("shows what is there, and what belongs into agent.toml", async () => {
    const at = await host({ name: "running" }, { name: "stopped", started: false, version: "2.4.0.cee" });
    const agent = lab.makeAgent();
    const said = await agent.ok("detect", ...at);
    expect(said).toMatch(
      /^SITE +WHAT +CORE +STATE +LIVESTATUS\nrunning +Checkmk 2\.3\.0p20 Raw +nagios +running +socket\n/,
    );
    expect(said).toMatch(/\nstopped +Checkmk 2\.4\.0 Enterprise +cmc +stopped +socket\n/);
    expect(said).toContain(`[sites.running.services]\nlivestatus = "${LIVE}"\nhttp = "tcp:127.0.0.1:5000"\n`);
    expect(said).toContain("stopped: it is stopped: omd start stopped");
    expect(await agent.json("detect", ...at)).toMatchObject({
      sites: [
        { name: "running", state: "running" },
        { name: "stopped", state: "stopped" },
      ],
      proposals: [
        { table: "sites.running.services", services: { livestatus: LIVE } },
        { table: "sites.stopped.services", services: { broker: "tcp:127.0.0.1:5673" } },
      ],
      problems: [],
    });
    expect(await agent.ok("detect", "running", ...at)).toContain(`[services]\nlivestatus = "${LIVE}"\n`);
    // nothing of this is written
    expect(readFileSync(agent.config, "utf8")).not.toMatch(/services|listen/);
  });

  test("says which sites there are when another is asked for", async () => {
    const at = await host({ name: "running" }, { name: "b" });
    const refused = await lab.makeAgent().call(["detect", "c", ...at]);
    expectRefusal(refused, "E_NOT_FOUND", "there is no site c", "Found here: b, running");
  });

  test("finds nothing where there is nothing, and that is no failure", async () => {
    const agent = lab.makeAgent();
    const at = ["--root", scratchDirectory(lab.cleanup, "empty")];
    expect(await agent.ok("detect", ...at)).toBe(
      "No monitoring site was found: no OMD site, no Icinga 2, Naemon or Nagios.\n",
    );
    expect(await agent.json("detect", ...at)).toEqual({ sites: [], proposals: [], advice: [], problems: [] });
  });

  test("says what it may not read, and shows the rest", async () => {
    const at = await host({ name: "running" }, { name: "secret" });
    const conf = "/omd/sites/secret/etc/omd/site.conf";
    chmodSync(join(String(at[1]), conf), 0o000);
    const agent = lab.makeAgent();
    const finished = await agent.call(["detect", ...at], { through: withoutPrivilege });
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(finished.stdout).toContain(`secret: ${conf}: EACCES`);
    expect(finished.stdout).toContain(LIVE);
  });
});

describe("farsite-agent detect --write", () => {
  test("adds what is missing to agent.toml, and leaves the rest, its mode and its owner as they are", async () => {
    const at = await host({ name: "running" });
    const agent = lab.makeAgent();
    const before =
      '# ours\n[services] # open\nhttp = "tcp:127.0.0.1:80"\n\n[log]\nlevel = "debug" # for now\n';
    writeFileSync(agent.config, before);
    chmodSync(agent.config, 0o640);
    const said = await agent.ok("detect", "--write", ...at);
    expect(said).toContain(`services.livestatus = "${LIVE}"`);
    expect(said).toContain('services.http = "tcp:127.0.0.1:80"; found: "tcp:127.0.0.1:5000"');
    const after = readFileSync(agent.config, "utf8");
    expect(after).toBe(
      before.replace(
        ':80"\n',
        `:80"\nlivestatus = "${LIVE}"\nec = "unix:/omd/sites/running/tmp/run/mkeventd/status"\n`,
      ),
    );
    expect(statSync(agent.config).mode & 0o777).toBe(0o640);
    expect(statSync(agent.config).uid).toBe(process.getuid?.());

    const { ino } = statSync(agent.config);
    expect(await agent.ok("detect", "--write", ...at)).toContain(`${agent.config} lacks nothing.`);
    expect(readFileSync(agent.config, "utf8")).toBe(after);
    expect(statSync(agent.config).ino).toBe(ino);
    expect(await agent.json<{ service: string }[]>("services")).toHaveLength(3);
  });

  test("writes through a link, and makes the file when there is none", async () => {
    const at = await host({ name: "running" });
    const agent = lab.makeAgent();
    const kept = join(agent.runDir, "../kept.toml");
    writeFileSync(kept, "");
    rmSync(agent.config);
    symlinkSync(kept, agent.config);
    await agent.ok("detect", "--write", ...at);
    expect(readFileSync(kept, "utf8")).toContain(LIVE);
    rmSync(agent.config);
    await agent.ok("detect", "--write", ...at);
    expect(readFileSync(agent.config, "utf8")).toMatch(
      /^# Farsite agent\.[\s\S]*\[services\]\nlivestatus = /,
    );
    expect(readFileSync(kept, "utf8")).toBe(
      readFileSync(agent.config, "utf8")
        .replace(/^#.*\n?/gm, "")
        .trimStart(),
    );
  });

  test("leaves a file alone that it cannot change line by line", async () => {
    const agent = lab.makeAgent();
    const text = 'services = { mine = "tcp:nas:1" }\n';
    writeFileSync(agent.config, text);
    const refused = await agent.call(["detect", "--write", ...(await host({ name: "running" }))]);
    expectRefusal(refused, "E_CONFIG", "not changed by a program", "by hand");
    expect(readFileSync(agent.config, "utf8")).toBe(text);
  });
});

describe("farsite-agent enroll", async () => {
  const hub = await lab.startHub();

  test("--no-detect shows what is found of its site, and writes nothing", async () => {
    const at = await host({ name: "running" }, { name: "other" });
    const agent = lab.makeAgent();
    const { token } = await hub.addSite("acme/running");
    const said = await agent.ok("enroll", token, "--no-detect", ...at);
    expect(said).toContain("it offers none yet");
    expect(said).toContain(`[services]\nlivestatus = "${LIVE}"\n`);
    expect(said).not.toContain("tcp:127.0.0.1:5001");
    expect(readFileSync(agent.config, "utf8")).not.toMatch(/services|listen/);
  });

  test("writes it, for a second site into tables of their own", async () => {
    const at = await host({ name: "running" }, { name: "second" });
    const agent = lab.makeAgent();
    const enrol = async (path: string) => agent.ok("enroll", (await hub.addSite(path)).token, ...at);
    expect(await enrol("globex/running")).toContain(`services.livestatus = "${LIVE}"`);
    expect(await agent.json("services")).toMatchObject([{ service: "livestatus", target: LIVE }, {}, {}]);

    const said = await enrol("globex/second");
    expect(said).toContain("[services] is [sites.running.services] now");
    expect(said).not.toContain("becomes");
    expect(await agent.json("services")).toMatchObject([
      { site: "running", service: "livestatus", target: LIVE },
      { site: "running", service: "http", target: "tcp:127.0.0.1:5000" },
      { site: "running", service: "ec" },
      { site: "second", service: "livestatus", target: LIVE.replace("running", "second") },
      { site: "second", service: "http", target: "tcp:127.0.0.1:5001" },
      { site: "second", service: "ec" },
    ]);
    await agent.start();
    for (const name of ["running", "second"]) await hub.reaches(`globex/${name}`, "connected");
    await until("the hub to know what is offered", async () => {
      const { offers } = await hub.site("globex/second");
      return offers.join() === "livestatus,http,ec";
    });
    await agent.stop();
  });

  test("adds nothing where services are named, but with --detect", async () => {
    const at = await host({ name: "main" });
    const agent = lab.makeAgent({ services: { mine: "tcp:nas:1" } });
    const { token } = await hub.addSite("umbrella/main");
    expect(await agent.ok("enroll", token, ...at)).not.toContain("services.livestatus");
    expect(await agent.json("services")).toMatchObject([{ service: "mine" }]);
    expect(await agent.ok("enroll", token, "--detect", ...at)).toContain("services.livestatus");
    expect(readFileSync(agent.config, "utf8")).toContain("tcp:nas:1");
  });

  test("nothing is opened on a push-only site, but with --detect", async () => {
    const at = await host({ name: "main" });
    const agent = lab.makeAgent({ push_only: true });
    await agent.ok("enroll", (await hub.addSite("tyrell/main")).token, ...at);
    expect(await agent.json("services")).toEqual([]);
  });

  test("--detect that may not write is enrolled all the same, and says who may", async () => {
    const at = await host({ name: "main" });
    const agent = lab.makeAgent();
    writeFileSync(agent.config, 'services = { mine = "tcp:nas:1" }\n');
    const { token } = await hub.addSite("initech/main");
    const said = await agent.ok("enroll", token, "--detect", ...at);
    expect(said).toContain("Enrolled as initech/main.");
    expect(said).toContain("as root: farsite-agent detect --write");
  });
});
