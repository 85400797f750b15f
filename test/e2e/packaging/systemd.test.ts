import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNotification } from "../../chaos/spool/notification.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { Container, Layer, noContainer } from "../../lab/container.ts";
import { missingPackages } from "../../lab/debian.ts";
import { ICINGA_PACKAGES } from "../../lab/icinga.ts";
import { parseLocal, parseLocalScript } from "../../lab/local-check.ts";
import { waitFor } from "../../lab/process.ts";
import { buildPackages } from "./build.ts";

const missing = missingPackages(ICINGA_PACKAGES);
const reason = noContainer() ?? (missing.length > 0 ? `${missing.join(", ")} missing` : undefined);
if (reason) process.stderr.write(`packages in a real systemd: LEFT OUT, ${reason}\n`);

// no triggers: the manual pages of this whole machine would be indexed again and again
const UNITS = ["farsite-hub", "farsite-agent"] as const;
type Unit = (typeof UNITS)[number];

const cleanup = new Cleanup();
let folder: string;
let container: Container;

/** Waits until a command inside succeeds. */
const comes = (what: string, lines: string) =>
  waitFor(what, () => container.attempt(["sh", "-ec", lines]).ok, { withinMs: 60_000, everyMs: 200 });

const pid = (unit: Unit) => container.sh(`systemctl show -p MainPID --value ${unit}`);
const active = (unit: Unit) => container.attempt(["systemctl", "is-active", unit]).stdout.trim();
const version = (unit: Unit) => container.sh(`dpkg-query -W -f '\${Version}' ${unit}`);

/** What a Livestatus client at the central site gets of the core. */
const QUERY = `exec 3<>/dev/tcp/127.64.0.1/6557
printf 'GET status\\nColumns: program_version\\n\\n' >&3
timeout 5 cat <&3 | grep -q icinga2`;
const answers = (when: string) => comes(`an answer ${when}`, `bash -c "${QUERY.replaceAll("\n", ";")}"`);

/** Of the remote site and of the central one. */
const [SPOOL, CENTRAL] = ["/omd/sites/main/spool", "/omd/sites/central/spool"];
const NOTIFICATIONS = 200;
/** What a reload takes up. */
const ADDED: Record<Unit, string> = {
  "farsite-hub": `[notifications.host_prefix]\nacme = "host-"\n[notifications.sinks]\ncentral = { kind = "spool", folder = "${CENTRAL}" }\n`,
  "farsite-agent": `[notifications]\nspool = "${SPOOL}"\n`,
};

/** Waits until a unit runs as another process than before. */
const restarts = (unit: Unit, before: string) =>
  waitFor(`${unit} to be restarted`, () => !["0", before].includes(pid(unit)) && active(unit) === "active", {
    withinMs: 60_000,
    everyMs: 200,
  });

/** What a package may leave when it is gone: nothing that has its name. */
const leftovers = (layer: Layer) =>
  layer
    .changes()
    .filter(
      (path) => /farsite/.test(path) && !/^(packages|var\/(log|tmp)|tmp|run\/credentials)\b/.test(path),
    );

const accounts = (layer: Layer) => {
  const names = `${layer.read("etc/passwd")}\n${layer.read("etc/group")}\n${layer.read("etc/shadow")}`;
  return names.split("\n").filter((line) => line.includes("farsite"));
};

describe.skipIf(reason !== undefined)("packages", () => {
  beforeAll(() => {
    folder = scratchDirectory(cleanup, "packages");
    for (const [name, later] of [
      ["old", 0],
      ["new", 60],
    ] as const) {
      mkdirSync(join(folder, name));
      buildPackages(join(folder, name), [], later);
    }
    mkdirSync(join(folder, "notifications"));
    for (let number = 0; number < NOTIFICATIONS; number++)
      writeNotification(join(folder, "notifications"), number);
    copyFileSync(join(import.meta.dirname, "load.sh"), join(folder, "load.sh"));
  });

  afterAll(() => cleanup.run());

  test("without systemd they install, upgrade and leave nothing when purged", () => {
    const layer = new Layer(cleanup);
    for (const name of ["systemd-sysusers", "systemctl"]) layer.chroot(["rm", `/usr/bin/${name}`]);
    // as in a container that is being built
    for (const [from, to] of Object.entries({ [folder]: "packages", "/dev": "dev", "/proc": "proc" })) {
      layer.show(cleanup, from, to);
    }
    const dpkg = (words: string) => {
      const done = layer.chroot(["sh", "-ec", `dpkg --no-triggers ${words}`]);
      expect(done.ok, done.stderr).toBe(true);
    };
    dpkg("-i /packages/old/*.deb");
    expect(layer.chroot(["farsite-hub", "--version"]).stdout).toMatch(/^\d+\.\d+\.\d+ \([\da-f]{10}\+?\)\n$/);
    expect(layer.chroot(["stat", "-c", "%U %a", "/var/lib/farsite-agent"]).stdout).toBe(
      "farsite-agent 700\n",
    );
    dpkg("-i /packages/new/*.deb");
    dpkg("-r farsite-agent farsite-hub");
    dpkg("-P farsite-agent farsite-hub");
    expect(accounts(layer)).toEqual([]);
    expect(leftovers(layer)).toEqual([]);
  });

  describe("under systemd", () => {
    beforeAll(async () => {
      container = await Container.boot(cleanup, folder);
    });

    test("the install starts nothing that is not set up, and fails at nothing", () => {
      container.sh("dpkg --no-triggers -i /packages/old/*.deb");
      for (const unit of UNITS) {
        expect(container.sh(`systemctl is-enabled ${unit}`)).toBe("enabled");
        expect(active(unit)).toBe("inactive");
      }
      expect(container.sh("systemctl --failed --plain --no-legend")).toBe("");
    });

    test("with the hub's address and one paste on the customer's host the site is there", async () => {
      container.sh("echo 'url = \"wss://127.0.0.1\"' >> /etc/farsite/hub.toml; systemctl start farsite-hub");
      container.sh("icinga2 feature enable livestatus; systemctl start icinga2");
      container.sh("farsite-hub tenant add acme; dpkg --no-triggers -P farsite-agent");
      const printed = container.sh("farsite-hub site add acme/main");
      const paste = printed.split("\n").find((line) => line.startsWith("apt install ")) ?? "";
      // apt would ask a network for what the container lacks
      const offline = paste.replace("apt install ./", "dpkg --no-triggers -i /packages/old/");
      const said = container.sh(offline);
      expect(said).toContain('livestatus = "unix:/run/icinga2/cmd/livestatus"');
      expect(said).toMatch(/^Connected to wss:\/\/127\.0\.0\.1 after \d/m);
      expect(said).toMatch(/^core: .*icinga2/m);
      await answers("after the install");
      await comes(
        "the status line",
        "systemctl show -p StatusText farsite-agent | grep -qF 'acme/main: connected to wss://127.0.0.1'",
      );
      expect(container.sh("stat -c '%U %a' /var/lib/farsite-agent/*")).not.toMatch(/^root|[1-7]$/m);
      const [, token] = paste.split("enroll ");
      const again = JSON.parse(container.sh(`farsite-agent enroll --json ${token}`));
      expect(again).toMatchObject({ changed: false, connected: true });
    });

    test("Checkmk's agent finds the services of both, running or not", async () => {
      // as it runs what is in its folders
      const local = () =>
        parseLocalScript(`${container.sh("cd /usr/lib/check_mk_agent/local; ./farsite")}\n`);
      const plugin = () =>
        parseLocal(`${container.sh("cd /usr/lib/check_mk_agent/plugins; ./farsite-hub")}\n`);
      expect(local()).toMatchObject({ "Farsite agent": { state: 0 }, "Farsite tunnel main": { state: 0 } });
      expect(plugin()[""]).toMatchObject({
        "Farsite hub": { state: 0 },
        "Farsite tunnel acme/main": { state: 0 },
      });
      container.sh("mkdir -p /etc/check_mk");
      container.sh(
        `echo "AGENT_OPTIONS='--rtt 0,0' HUB_OPTIONS='--piggyback {site}'" > /etc/check_mk/farsite.cfg`,
      );
      await waitFor("the round trip", () => local()["Farsite tunnel main"]?.state === 2, {
        withinMs: 30_000,
      });
      expect(plugin().main).toHaveProperty(["Farsite tunnel acme/main"]);
      container.sh("systemctl stop farsite-agent");
      expect(local()).toMatchObject({ "Farsite agent": { state: 2 }, "Farsite tunnel main": { state: 2 } });
      container.sh("rm -r /etc/check_mk; systemctl start farsite-agent");
    });

    test("an enrolment that cannot connect says so, and what is in the way", async () => {
      const { token } = JSON.parse(container.sh("farsite-hub site add acme/second --json"));
      container.sh("systemctl stop farsite-hub");
      const failed = container.attempt(["farsite-agent", "enroll", "--wait", "1", token]);
      expect(failed).toMatchObject({ ok: false });
      expect(failed.stderr).toContain("E_HUB_UNREACHABLE");
      container.sh("systemctl start farsite-hub; farsite-hub site remove acme/second");
      await answers("after the hub was away");
    });

    test.each(UNITS)("%s that was killed comes back", async (unit) => {
      const before = pid(unit);
      container.sh(`kill -KILL ${before}`);
      await restarts(unit, before);
      await answers(`after ${unit} was killed`);
    });

    test("what stands still is killed by the watchdog and comes back", async () => {
      for (const unit of UNITS) {
        container.sh(`mkdir -p /run/systemd/system/${unit}.service.d`);
        container.sh(
          `printf '[Service]\\nWatchdogSec=3\\n' > /run/systemd/system/${unit}.service.d/soon.conf`,
        );
      }
      container.sh("systemctl daemon-reload; systemctl restart farsite-hub farsite-agent");
      await answers("before");
      const before = UNITS.map((unit) => [unit, pid(unit)] as const);
      for (const [, each] of before) container.sh(`kill -STOP ${each}`);
      for (const [unit, each] of before) await restarts(unit, each);
      for (const unit of UNITS)
        expect(container.sh(`journalctl -u ${unit}`)).toContain("Failed with result 'watchdog'");
      container.sh("rm -r /run/systemd/system/farsite-*; systemctl daemon-reload");
      await answers("after the watchdog");
    });

    test("a reload takes up what was changed, without another process, and fails where the file is broken", async () => {
      container.sh(
        `mkdir -p ${SPOOL} ${CENTRAL}; chown farsite-agent ${SPOOL}; chown farsite-hub ${CENTRAL}`,
      );
      // what they may write to is settled when they start
      container.sh("systemctl restart farsite-hub farsite-agent");
      await answers("before the reload");
      const before = UNITS.map(pid);
      for (const unit of UNITS) {
        const file = `/etc/farsite/${unit.replace("farsite-", "")}.toml`;
        container.sh(`cp ${file} /tmp/good; echo 'wrong = 1' >> ${file}`);
        expect(container.attempt(["systemctl", "reload", unit]).ok).toBe(false);
        expect(container.sh(`journalctl -u ${unit}`)).toMatch(/not used.*one problem/);
        expect(active(unit)).toBe("active");
        container.sh(`cp /tmp/good ${file}; cat >> ${file}`, ADDED[unit]);
        container.sh(`systemctl reload ${unit}`);
      }
      expect(UNITS.map(pid)).toEqual(before);
      expect(JSON.parse(container.sh("farsite-agent status --json")).sites[0].notifications.spool).toBe(
        SPOOL,
      );
      await answers("after the reload");
    });

    test("an upgrade and a downgrade restart what runs, and keep configuration, keys and sites", async () => {
      const kept = () =>
        container.sh(
          "sha256sum /etc/farsite/*.toml /var/lib/farsite-*/*.key /var/lib/farsite-agent/hub.json",
        );
      const before = kept();
      const old = version("farsite-agent");
      // meanwhile somebody asks without pause, and notifications come
      container.sh(`setsid bash /packages/load.sh ${SPOOL} </dev/null >/dev/null 2>&1 &`);
      await comes("the first answers", `[ "$(grep -c 200 /tmp/load/seen)" -gt 5 ]`);
      for (const release of ["new", "old"]) {
        const running = UNITS.map((unit) => [unit, pid(unit)] as const);
        container.sh(`dpkg --no-triggers -i /packages/${release}/*.deb`);
        for (const [unit, each] of running) await restarts(unit, each);
        expect(version("farsite-agent") === old).toBe(release === "old");
        await answers(`with the ${release} packages`);
        expect(kept()).toBe(before);
      }
      container.sh("touch /tmp/load/stop");
      await comes("the end of the load", "[ -e /tmp/load/ended ]");
      await comes("all to leave the site", `[ -z "$(ls ${SPOOL})" ]`);
      // no answer was cut, and every notification is there once
      expect(container.attempt(["cat", "/tmp/load/wrong"]).stdout).toBe("");
      const numbers = container.sh(
        `cat ${CENTRAL}/* | grep -o '"NUMBER": "[0-9]*"' | sort | uniq -c | sort -rn`,
      );
      expect(numbers.split("\n").filter((line) => /^ *1 /.test(line))).toHaveLength(NOTIFICATIONS);
      for (const unit of UNITS)
        expect(container.sh(`journalctl -u ${unit}`)).not.toContain("connections are cut");
    });

    test("an agent that was stopped stays so through an upgrade", () => {
      container.sh("systemctl stop farsite-agent; dpkg --no-triggers -i /packages/new/farsite-agent_*.deb");
      expect(active("farsite-agent")).toBe("inactive");
    });

    test("after a reboot everything is there by itself", async () => {
      await container.reboot();
      container.sh("systemctl start icinga2");
      await answers("after the reboot");
    });

    test("removed they leave keys and configuration, which a new install takes up", async () => {
      container.sh("dpkg --no-triggers -r farsite-agent farsite-hub");
      for (const unit of UNITS) expect(container.attempt(["pgrep", "-x", unit]).ok).toBe(false);
      container.sh("dpkg --no-triggers -i /packages/new/*.deb");
      await answers("after the second install");
    });

    test("purged they leave nothing", async () => {
      container.sh("dpkg --no-triggers -P farsite-agent farsite-hub");
      expect(accounts(container.layer)).toEqual([]);
      expect(leftovers(container.layer)).toEqual([]);
      expect(container.sh("ls /run")).not.toContain("farsite");
      // systemd forgets what is gone when it has time
      await comes(
        "systemd to forget them",
        "test -z \"$(systemctl list-units --all --plain --no-legend 'farsite*')\"",
      );
    });

    test("the same files as .rpm install, upgrade and go, too", () => {
      const rpm = (words: string) => container.sh(`rpm --nodeps ${words}`);
      rpm("-i /packages/old/*.rpm");
      for (const unit of UNITS) expect(container.sh(`systemctl is-enabled ${unit}`)).toBe("enabled");
      expect(container.sh("stat -c '%U %a' /var/lib/farsite-agent")).toBe("farsite-agent 700");
      container.sh("echo '# mine' >> /etc/farsite/agent.toml");
      rpm("-U /packages/new/*.rpm");
      expect(container.sh("tail -1 /etc/farsite/agent.toml")).toBe("# mine");
      expect(container.sh("systemctl is-enabled farsite-agent")).toBe("enabled");
      rpm("-e farsite-agent farsite-hub");
      expect(container.sh("ls /etc/farsite")).toBe("agent.toml.rpmsave");
      expect(container.attempt(["systemctl", "cat", "farsite-agent.service"]).ok).toBe(false);
    });
  });
});
