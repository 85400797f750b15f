/** Datagrams to what really listens at a central site: rsyslog and snmptrapd, from logger and snmptrap. */
import { afterAll, describe, expect, test } from "vitest";
import { Cleanup } from "../../lab/cleanup.ts";
import { command } from "../../lab/command.ts";
import { until } from "../../lab/farsite.ts";
import { haveDatagramReceivers, startRsyslog, startSnmptrapd } from "../../lab/lines/datagrams.ts";
import { freeUdpPort, rig, SITE } from "./rig.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

if (!haveDatagramReceivers) process.stderr.write("LEFT OUT: rsyslog and snmptrapd are not installed\n");

describe.skipIf(!haveDatagramReceivers)("datagrams", () => {
  test("rsyslog gets each message, under the site's own address", async () => {
    const [near, far] = [await freeUdpPort(), await freeUdpPort()];
    const receiver = await startRsyslog({ port: far, cleanup });
    await rig(
      { syslog: `udp:127.0.0.1:${near}` },
      { syslog: { target: `udp:127.0.0.1:${far}`, sites: ["*"] } },
    );
    const words = ["first", "second", "x".repeat(900)];
    for (const word of words) {
      command(["logger", "-d", "-n", "127.0.0.1", "-P", `${near}`, "--rfc3164", "-t", "farsite", word]);
    }
    await until("all messages", () => receiver.lines().length === words.length);
    expect(receiver.lines()).toEqual(words.map((word) => `${SITE.address}  ${word}`));
  });

  test("snmptrapd gets a trap, under the site's own address", async () => {
    const [near, far] = [await freeUdpPort(), await freeUdpPort()];
    const receiver = await startSnmptrapd({ port: far, cleanup });
    await rig(
      { snmptrap: `udp:127.0.0.1:${near}` },
      { snmptrap: { target: `udp:127.0.0.1:${far}`, sites: ["*"] } },
    );
    const oid = "1.3.6.1.4.1.8072.2.3";
    const trap = ["-v", "2c", "-c", "public", `127.0.0.1:${near}`, "", `${oid}.0.1`];
    command(["snmptrap", ...trap, `${oid}.2.1`, "s", "the fan is broken"]);
    await until("the trap", () => receiver.lines().length > 0);
    expect(receiver.lines()[0]).toMatch(new RegExp(`^${SITE.address} .*the fan is broken`));
  });
});
