/** Detection on what Debian's packages of Icinga 2 and Nagios 4 install, below a folder that stands for `/`. */
import { once } from "node:events";
import { appendFileSync, chmodSync, cpSync, mkdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { accountOf, detect, type Found, systemListeners, Tree } from "../../../agent/omd/index.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { attempt, command } from "../../lab/command.ts";
import { ensurePackages, isRoot } from "../../lab/debian.ts";
import { ICINGA_PACKAGES } from "../../lab/icinga.ts";
import { rows } from "../../lab/livestatus.ts";
import { launch } from "../../lab/process.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

const NAGIOS_PACKAGES = ["nagios4-core"];
const missing = {
  icinga: await ensurePackages(ICINGA_PACKAGES, { why: "detecting Icinga 2" }),
  nagios: await ensurePackages(NAGIOS_PACKAGES, { why: "detecting Nagios 4" }),
};
for (const [core, names] of Object.entries(missing)) {
  if (names.length > 0) console.warn(`LEFT OUT: detecting ${core}: not installed: ${names.join(", ")}`);
}
if (!isRoot()) console.warn("LEFT OUT: detecting cores: only root may read what their packages install");

/** A folder that stands for `/`, with what is in one folder of this machine's. */
function rootWith(folder: string): string {
  const root = scratchDirectory(cleanup, "cores");
  cpSync(folder, join(root, folder), { recursive: true, verbatimSymlinks: true });
  return root;
}

/** The only core that is found there, as the user of that name would be served. */
function detectAs(root: string, user: string): Found {
  const { sites, problems } = detect({
    tree: new Tree(root),
    listeners: systemListeners(),
    account: accountOf(user),
  });
  expect(problems).toEqual([]);
  expect(sites.map((site) => site.problems)).toEqual([[]]);
  return sites[0] as Found;
}

describe.skipIf(missing.icinga.length > 0 || !isRoot())("Icinga 2", () => {
  const root = rootWith("/etc/icinga2");
  const at = (path: string) => join(root, path);

  test("as it is installed is told how to switch Livestatus on", () => {
    expect(detectAs(root, "nobody")).toMatchObject({ kind: "icinga2", state: "stopped", services: {} });
    expect(detectAs(root, "nobody").notes).toEqual([
      expect.stringContaining("icinga2 feature enable livestatus"),
    ]);
  });

  test("with Livestatus on is found by its socket, which its group may open", async () => {
    // what `icinga2 feature enable livestatus` does
    symlinkSync("../features-available/livestatus.conf", at("etc/icinga2/features-enabled/livestatus.conf"));
    expect(detectAs(root, "nobody")).toMatchObject({
      state: "stopped",
      livestatus: { socket: expect.any(String) },
    });

    const socket = await startIcinga();
    const found = detectAs(root, "nagios");
    expect(found).toMatchObject({
      state: "running",
      services: { livestatus: "unix:/run/icinga2/cmd/livestatus" },
      rights: { state: "open" },
      notes: [],
    });
    expect(socket).toBe(at("run/icinga2/cmd/livestatus"));
    expect(await rows({ unix: socket }, "GET status\nColumns: program_start")).toHaveLength(1);

    const { rights } = detectAs(root, "nobody");
    expect(rights).toEqual({ state: "closed", groups: ["nagios"] });
    expect(
      attempt(["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=nagios", "test", "-w", socket]).ok,
    ).toBe(true);
    expect(
      attempt(["setpriv", "--reuid=nobody", "--regid=nogroup", "--init-groups", "test", "-w", socket]).ok,
    ).toBe(false);
  });

  /** The package's own configuration, with everything that is written below the root. */
  async function startIcinga(): Promise<string> {
    const [uid, gid] = ["-u", "-g"].map((what) => Number(command(["id", what, "nagios"])));
    const folders = {
      DataDir: "var/lib/icinga2",
      LogDir: "var/log/icinga2",
      CacheDir: "var/cache/icinga2",
      SpoolDir: "var/spool/icinga2",
      InitRunDir: "run/icinga2",
      ConfigDir: "etc/icinga2",
    };
    for (const folder of [
      ...Object.values(folders),
      "run/icinga2/cmd",
      "var/lib/icinga2/api",
      "var/lib/icinga2/certs",
    ]) {
      mkdirSync(at(folder), { recursive: true });
    }
    command(["chown", "-R", "nagios:nagios", root]);
    chmodSync(root, 0o755);
    const binary = command(["dpkg", "-L", "icinga2-bin"])
      .split("\n")
      .find((file) => file.endsWith("/icinga2/sbin/icinga2"));
    const socket = at("run/icinga2/cmd/livestatus");
    await launch(
      [
        ...[String(binary), "--no-stack-rlimit", "daemon", "-c", at("etc/icinga2/icinga2.conf")],
        ...Object.entries(folders).map(([key, folder]) => `-D${key}=${at(folder)}`),
        ...["-DRunAsUser=nagios", "-DRunAsGroup=nagios", "-DNodeName=detected"],
      ],
      {
        label: "icinga2",
        user: { uid: uid as number, gid: gid as number },
        onParentDeath: "TERM",
        ready: async () => (await rows({ unix: socket }, "GET status\nColumns: program_start")).length === 1,
        readyWithinMs: 30_000,
        cleanup,
      },
    );
    return socket;
  }
});

describe.skipIf(missing.nagios.length > 0 || !isRoot())("Nagios 4", () => {
  const root = rootWith("/etc/nagios4");
  const configuration = join(root, "etc/nagios4/nagios.cfg");
  const SOCKET = "/var/lib/nagios4/rw/live";

  test("as it is installed has no Livestatus, and is told so", () => {
    const found = detectAs(root, "nobody");
    expect(found).toMatchObject({ kind: "nagios", state: "stopped", services: {} });
    expect(found.notes).toEqual([expect.stringContaining("/etc/nagios4/nagios.cfg loads no Livestatus")]);
  });

  // Debian has no Livestatus module for it any more: a socket stands for what the module would open
  test("with a Livestatus module is found by the socket that its configuration names", async () => {
    appendFileSync(configuration, `\nbroker_module=/usr/lib/check_mk/livestatus.o ${SOCKET}\n`);
    expect(detectAs(root, "nobody")).toMatchObject({
      state: "stopped",
      services: { livestatus: `unix:${SOCKET}` },
    });

    const socket = join(root, SOCKET);
    mkdirSync(dirname(socket), { recursive: true });
    const server = createServer().listen(socket);
    await once(server, "listening");
    cleanup.add("close a socket", () => server.close());
    command(["chown", "root:mail", socket]);
    chmodSync(socket, 0o660);
    expect(detectAs(root, "nobody")).toMatchObject({
      state: "running",
      rights: { state: "closed", groups: ["mail"] },
      notes: [],
    });
    chmodSync(socket, 0o600);
    expect(detectAs(root, "nobody").rights).toEqual({ state: "shut", at: socket });
    chmodSync(socket, 0o666);
    expect(detectAs(root, "nobody").rights).toEqual({ state: "open" });
    expect(detectAs(root, "no-such-user").rights).toEqual({ state: "unknown" });
  });
});
