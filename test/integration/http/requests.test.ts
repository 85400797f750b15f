/** Checkmk's central site at work, as far as Python's requests shows it: login, config sync, and sites that are away. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, SITE, suite } from "./stage.ts";

/** As `automations.py` calls: no session, no time-out, a file as multipart; prints what came back as JSON. */
const CENTRAL = `
import json, sys, requests
url, work = sys.argv[1], sys.argv[2]
headers = {"x-checkmk-version": "2.3.0p1", "x-checkmk-edition": "cre"}
if work == "login":
    answer = requests.post(url + "login.py?to=automation_login.py", auth=("automation", "S3cret"),
        data={"_login": "1", "_username": "automation", "_password": "S3cret", "_plain_error": "1"})
else:
    command, *files = sys.argv[2:]
    answer = requests.post(url + "automation.py?command=" + command, headers=headers,
        data={"secret": "S3cret", "debug": ""},
        files={"sync_archive": open(files[0], "rb")} if files else None)
print(json.dumps([answer.status_code, answer.text]))
`;

await suite("Checkmk's central site and a remote site's web server", ["python3-requests"], (stage) => {
  const central = async (...args: string[]): Promise<[status: number, text: string]> => {
    const { url } = stage();
    const { stdout, stderr } = await run(["/usr/bin/python3", "-c", CENTRAL, `${url}/`, ...args]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test("it logs in, over a redirection and with a cookie", async () => {
    expect(await central("login")).toEqual([200, expect.stringContaining("'edition_short': 'cre'")]);
  });

  test("it asks for the state, sends the changes and activates them, and the hub has seen it", async () => {
    const { hub, lab } = stage();
    const archive = join(lab.folder, "sync.tar");
    const bytes = randomBytes(20 << 20);
    writeFileSync(archive, bytes);
    expect(await central("get-config-sync-state")).toEqual([200, expect.stringMatching(/^\(\{.*\}, 7\)$/)]);
    expect(await central("receive-config-sync", archive)).toEqual([200, "True"]);
    expect(await central("activate-changes")).toEqual([200, "{'check_mk': []}"]);
    expect(await central("no-such-command")).toEqual([400, "Invalid command: no-such-command."]);
    const { syncs } = await hub.json<{ syncs: { kind: string; sent: number; ok: boolean }[] }>(
      "site",
      "show",
      SITE,
    );
    expect(syncs).toMatchObject([
      { kind: "state", ok: true, status: 200 },
      { kind: "receive", ok: true, status: 200, received: 4 },
      { kind: "activate", ok: true, status: 200 },
    ]);
    expect(syncs[1]?.sent).toBeGreaterThan(bytes.length);
    expect(await hub.ok("site", "show", SITE)).toMatch(
      /^config sync +\S+Z receive-config-sync: done in [\d.]+ s, \d+ bytes to the site, 4 back$/m,
    );
    expect(hub.process.output).toMatch(
      / config sync site=acme\/main kind=activate command=activate-changes /,
    );
    expect(hub.process.output).not.toContain("S3cret");
  });

  test("it is told why when the web server is not there, and when the site is away, also in the middle of a body", async () => {
    const { hub, agent, lab } = stage();
    const archive = join(lab.folder, "sync.tar");
    writeFileSync(archive, randomBytes(20 << 20));
    await agent.stop();
    await hub.reaches(SITE, "disconnected");
    const [status, text] = await central("receive-config-sync", archive);
    expect([status, text]).toEqual([
      503,
      expect.stringMatching(/^Farsite: the site is not connected: [^\n]+\n$/),
    ]);
    agent.write({ services: { http: "tcp:127.0.0.1:1" } });
    await agent.start();
    await hub.reaches(SITE, "connected");
    expect(await central("activate-changes")).toEqual([
      502,
      "Farsite: its agent cannot reach the site's web server\n",
    ]);
    agent.write({ services: {} });
    await agent.stop();
    await agent.start();
    await hub.reaches(SITE, "connected");
    expect(await central("activate-changes")).toEqual([502, "Farsite: its agent offers no web server\n"]);
    const { syncs } = await hub.json<{ syncs: { ok: boolean; reason: string }[] }>("site", "show", SITE);
    expect(syncs.slice(-3)).toMatchObject([
      { ok: false, reason: expect.stringContaining("the site is not connected") },
      { ok: false, reason: "its agent cannot reach the site's web server" },
      { ok: false, reason: "its agent offers no web server" },
    ]);
  });
});
