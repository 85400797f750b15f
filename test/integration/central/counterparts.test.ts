/** Datagrams to what really listens at a central site: rsyslog and snmptrapd, from logger and snmptrap. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { command } from "../../lab/command.ts";
import { until } from "../../lab/farsite.ts";
import { launch } from "../../lab/process.ts";
import { freeUdpPort, rig, SITE } from "./rig.ts";

const cleanup = new Cleanup();
const folder = scratchDirectory(cleanup, "central");
afterAll(() => cleanup.run());

/** Paths of programs, those of administrators too; `npm test` installs their packages. */
const find = (name: string) => Bun.which(name) ?? Bun.which(`/usr/sbin/${name}`);
const [rsyslogd, logger, snmptrapd, snmptrap] = ["rsyslogd", "logger", "snmptrapd", "snmptrap"].map(find);

/** Whether somebody listens for datagrams at a port of 127.0.0.1 (proc(5): net/udp). */
const listens = (port: number) =>
  readFileSync("/proc/net/udp", "utf8").includes(
    ` 0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} `,
  );

describe.skipIf(!rsyslogd || !logger)("rsyslog", () => {
  test("gets each message, under the site's own address", async () => {
    const [near, far] = [await freeUdpPort(), await freeUdpPort()];
    const [config, file] = [join(folder, "rsyslog.conf"), join(folder, "messages")];
    writeFileSync(
      config,
      `module(load="imudp")
input(type="imudp" address="127.0.0.1" port="${far}")
template(name="plain" type="string" string="%fromhost-ip% %syslogtag%%msg%\\n")
action(type="omfile" file="${file}" template="plain")
`,
    );
    writeFileSync(file, "");
    await launch([rsyslogd as string, "-n", "-x", "-f", config, "-i", join(folder, "rsyslog.pid")], {
      label: "rsyslogd",
      onParentDeath: "TERM",
      cleanup,
      ready: () => listens(far),
    });
    await rig(
      { syslog: `udp:127.0.0.1:${near}` },
      { syslog: { target: `udp:127.0.0.1:${far}`, sites: ["*"] } },
    );
    const words = ["first", "second", "x".repeat(900)];
    for (const word of words) {
      command([
        logger as string,
        "-d",
        "-n",
        "127.0.0.1",
        "-P",
        `${near}`,
        "--rfc3164",
        "-t",
        "farsite",
        word,
      ]);
    }
    const lines = () => readFileSync(file, "utf8").split("\n").filter(Boolean);
    await until("all messages", () => lines().length === words.length);
    expect(lines()).toEqual(words.map((word) => `${SITE.address} farsite: ${word}`));
  });
});

describe.skipIf(!snmptrapd || !snmptrap)("snmptrapd", () => {
  test("gets a trap, under the site's own address", async () => {
    const [near, far] = [await freeUdpPort(), await freeUdpPort()];
    const receiver = await launch(
      [
        ...[snmptrapd as string, "-f", "-Lo", "-n", "-C", "--disableAuthorization=yes"],
        `udp:127.0.0.1:${far}`,
      ],
      {
        label: "snmptrapd",
        env: { ...(process.env as Record<string, string>), SNMP_PERSISTENT_DIR: folder, MIBS: "" },
        onParentDeath: "TERM",
        cleanup,
        ready: () => listens(far),
      },
    );
    await rig(
      { snmptrap: `udp:127.0.0.1:${near}` },
      { snmptrap: { target: `udp:127.0.0.1:${far}`, sites: ["*"] } },
    );
    const oid = "1.3.6.1.4.1.8072.2.3";
    command([
      ...[snmptrap as string, "-v", "2c", "-c", "public", `127.0.0.1:${near}`, "", `${oid}.0.1`],
      ...[`${oid}.2.1`, "s", "the fan is broken"],
    ]);
    await until("the trap", () => receiver.output.includes("the fan is broken"));
    expect(receiver.output).toContain(`UDP: [${SITE.address}]:`);
  });
});
