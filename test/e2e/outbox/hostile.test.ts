/** A customer's spool full of what should never leave it, between notifications that must: as whole programs. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeNotification } from "../../chaos/spool/notification.ts";
import { FarsiteLab, until } from "../../lab/farsite.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const folder = (name: string): string => {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const numberOf = (text: string): number => Number(/"NUMBER": "(\d+)"/.exec(text)?.[1]);

test("what is hostile in a spool is refused and reported, leads nowhere, and holds nothing else up", async () => {
  const [spool, central, raw] = [folder("remote/spool"), folder("central/spool"), folder("raw")];
  const corrupted = join(lab.folder, "remote/corrupted");
  const hub = await lab.startHub({
    notifications: {
      host_prefix: { acme: "acme-" },
      sinks: {
        central: { kind: "spool", folder: central },
        raw: { kind: "command", command: ["/bin/cp", "{file}", raw] },
      },
    },
  });

  // files that the agent must not take
  const secret = join(folder("elsewhere"), "secret");
  writeFileSync(secret, "{'context': {'HOSTNAME': 'acme-secret', 'NUMBER': '99'}, 'forward': True}");
  symlinkSync(secret, join(spool, "link"));
  symlinkSync("/", join(spool, "root"));
  execFileSync("mkfifo", [join(spool, "pipe")]);
  execFileSync("truncate", ["--size", "1G", join(spool, "huge")]);
  const taken = "{'context': {'HOSTNAME': 'acme-h', 'NUMBER': '98'}, 'forward': True}";
  const named = ["a\nb", "$(touch pwned)", "-rf *", "x".repeat(200)];
  for (const name of named) writeFileSync(join(spool, name), taken);
  const refusedHere = ["link", "root", "pipe", "huge", ...named];

  // files that are no notification
  const broken: Record<string, string> = {
    nested: "[".repeat(1 << 20),
    wide: `{'context': {'HOSTNAME': 'acme-h', 'X': [${"0,".repeat(400_000)}]}, 'forward': True}`,
    code: "{'context': __import__('os').environ, 'forward': True}",
    nul: "{'context': {'HOSTNAME': 'acme-h\0'}, 'forward': True}\0\0",
    bytes: "{'context': {'HOSTNAME': b'acme-h'}, 'forward': True}",
  };
  for (const [name, text] of Object.entries(broken)) writeFileSync(join(spool, name), text);
  execFileSync("touch", ["--date", "2 minutes ago", ...Object.keys(broken).map((name) => join(spool, name))]);

  // notifications that the hub must not take
  const host = { HOSTNAME: "acme-h" };
  const hostile: Record<string, string>[] = [
    { HOSTNAME: "globex-server" },
    { HOSTNAME: "acme-../../../etc/cron.d/x" },
    { HOSTNAME: "acme-h\nCOMMAND [1] SHUTDOWN_PROGRAM" },
    { ...host, SERVICEDESC: "../../globex/secret" },
    { ...host, SERVICEDESC: "a\nCOMMAND [1] SHUTDOWN_PROGRAM" },
    { ...host, CONTACTNAME: "../../../root" },
    { ...host, "LD_PRELOAD=/tmp/x": "1" },
    { ...host, "A\nB": "1" },
  ];
  for (const macros of hostile) {
    writeNotification(spool, 1, { ...macros });
    writeNotification(spool, 2, host);
  }
  const good = hostile.length + 1;
  const agent = await lab.connect(hub, "acme/main", { notifications: { spool } });
  // harmless as text: it must arrive as it is, and mean nothing
  writeNotification(spool, 2, {
    ...host,
    SERVICEOUTPUT: "$(touch pwned) `touch pwned`\nCOMMAND [1] X",
    OMD_SITE: "other",
  });

  await until("what is good to land", () => readdirSync(central).length === good);
  await until("what is good to come to the command", () => readdirSync(raw).length === good);
  const rest = [...refusedHere].toSorted();
  await until("the spool to have nothing else left", () => readdirSync(spool).length === rest.length);

  const landed = readdirSync(central).map((name) => readFileSync(join(central, name), "utf8"));
  expect(readdirSync(central).filter((name) => !UUID.test(name))).toEqual([]);
  expect(new Set(landed.map(numberOf))).toEqual(new Set([2]));
  expect(landed.filter((text) => !text.includes('"OMD_SITE": "main"'))).toEqual([]);
  expect(landed.filter((text) => /^COMMAND/m.test(text))).toEqual([]);

  // what stays is as it was, and what was set aside too
  expect(readdirSync(spool).toSorted()).toEqual(rest);
  expect([lstatSync(join(spool, "link")).isSymbolicLink(), existsSync(secret)]).toEqual([true, true]);
  expect(readdirSync(corrupted)).toHaveLength(Object.keys(broken).length + hostile.length);
  for (const [name, text] of Object.entries(broken)) {
    expect(readFileSync(join(corrupted, name), "utf8")).toBe(text);
  }

  // both sides say so, on one line each
  await until("both to be done", async () => {
    const [[lane], [inbox]] = [(await agent.status()).outbox, (await hub.site("acme/main")).inbox];
    return lane?.items === 0 && inbox?.waiting === 0;
  });
  const status = await agent.status();
  expect(status.notifications).toMatchObject({ taken: good + hostile.length, refused: refusedHere.length });
  expect(status.outbox).toMatchObject([{ items: 0, landed: good, refused: hostile.length, damaged: 0 }]);
  const [box] = (await hub.site("acme/main")).inbox;
  expect(box).toMatchObject({ received: good, refused: hostile.length, damaged: 0, waiting: 0 });
  for (const { output } of [agent.process, hub.process]) expect(output).not.toMatch(/^(COMMAND|b\b)/m);
  const audit = await hub.ok("audit", "--limit", "100");
  expect(audit.match(/inbox\.refuse/g)?.length).toBeGreaterThan(0);
  expect(
    existsSync("pwned") || existsSync(join(raw, "pwned")) || existsSync(join(hub.stateDir, "pwned")),
  ).toBe(false);
});
