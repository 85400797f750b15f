/** What a central site receives datagrams with: rsyslog and snmptrapd, each writing a line for each. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cleanup, scratchDirectory } from "../cleanup.ts";
import { attempt } from "../command.ts";
import { launch } from "../process.ts";

/** `snmp` has the sender, snmptrap; logger is in every Debian. */
export const DATAGRAM_PACKAGES = ["rsyslog", "snmptrapd", "snmp", "iproute2"];

/** Programs of administrators are not in everybody's path. */
const find = (name: string) => Bun.which(name) ?? Bun.which(`/usr/sbin/${name}`);
const [rsyslogd, snmptrapd] = [find("rsyslogd"), find("snmptrapd")];

/** Whether all that is needed is there; `npm test` installs it. */
export const haveDatagramReceivers = [rsyslogd, snmptrapd, find("snmptrap"), find("ss")].every(Boolean);

export interface ReceiverOptions {
  /** On 127.0.0.1. */
  port: number;
  netns?: string | undefined;
  cleanup: Cleanup;
}

export interface Receiver {
  /** What came, in the order in which it came: `SENDER-ADDRESS TEXT`. */
  lines(): string[];
}

export async function startRsyslog({ port, netns, cleanup }: ReceiverOptions): Promise<Receiver> {
  const folder = scratchDirectory(cleanup, "rsyslog");
  const config = join(folder, "rsyslog.conf");
  const out = join(folder, "out");
  writeFileSync(
    config,
    `module(load="imudp")
global(workDirectory="${folder}")
template(name="line" type="string" string="%fromhost-ip% %msg%\\n")
input(type="imudp" address="127.0.0.1" port="${port}" ruleset="all")
ruleset(name="all") { action(type="omfile" file="${out}" template="line") }
`,
  );
  await launch([rsyslogd ?? "rsyslogd", "-n", "-f", config, "-i", join(folder, "pid")], {
    label: "rsyslogd",
    netns,
    cleanup,
    ready: () => listens(netns, port),
  });
  return { lines: () => linesOf(out) };
}

export async function startSnmptrapd({ port, netns, cleanup }: ReceiverOptions): Promise<Receiver> {
  const folder = scratchDirectory(cleanup, "snmptrapd");
  const config = join(folder, "snmptrapd.conf");
  const out = join(folder, "out");
  // %b is how it came, such as `UDP: [127.64.0.1]:40000->[127.0.0.1]:162`; %v the variables
  writeFileSync(config, "disableAuthorization yes\nformat2 TRAP %b %v\\n\n");
  await launch(
    [snmptrapd ?? "snmptrapd", "-f", "-n", "-C", "-c", config, "-Lf", out, `udp:127.0.0.1:${port}`],
    {
      label: "snmptrapd",
      netns,
      cleanup,
      // no names for what is in a trap, and nothing kept
      env: { MIBS: "", SNMP_PERSISTENT_DIR: folder },
      ready: () => listens(netns, port),
    },
  );
  const trap = /^TRAP UDP: \[([\d.]+)\]\S* (.*)$/;
  return {
    lines: () => linesOf(out).flatMap((line) => trap.exec(line)?.slice(1).join(" ") ?? []),
  };
}

function listens(netns: string | undefined, port: number): boolean {
  const enter = netns === undefined ? [] : ["ip", "netns", "exec", netns];
  const listing = attempt([...enter, "ss", "-Hlun", `sport = :${port}`]);
  return listing.ok && listing.stdout !== "";
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch {
    return []; // made with the first line
  }
}
