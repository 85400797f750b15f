/** The states of real sites, as a central site's core is told them. */
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { launch } from "../../lab/process.ts";
import { expectRefusal } from "../refusal.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const ANSWER = "200           2\nok";

let hub: TestHub;
let agent: TestAgent;

beforeAll(async () => {
  const core = await Target.start(manners.core(ANSWER), lab.cleanup);
  hub = await lab.startHub();
  agent = await lab.connect(hub, "acme/main", { services: { livestatus: core.name }, ...PROBED_ONCE });
  await hub.addSite("globex/east");
  await until("the core and the way to be known", async () => {
    const { livestatus, rtt } = await hub.site("acme/main");
    return livestatus.state === "online" && rtt !== undefined;
  });
});

test("a site is checked as by a plugin", async () => {
  expect(await hub.call(["checkmk", "status-host", "acme/main"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^UP - acme\/main is online\|rtt=\d+\.\d{4}s;;;0\n$/),
    stderr: "",
  });
  await hub.ok("site", "disable", "globex/east");
  expect(await hub.call(["checkmk", "status-host", "globex/east"])).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(/^DOWN - globex\/east is disabled/),
  });
  await hub.ok("site", "enable", "globex/east");
});

test.each([
  ["acme/other", "there is no site acme/other"],
  ["initech/main", "no hub answers"],
  ["main", "not a site: main"],
])("the plugin says that it does not know %s", async (path, says) => {
  const { code, stdout } = await hub.call(["checkmk", "status-host", path]);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^UNKNOWN - .*\[E_[A-Z_]+\]\n$/);
  expect(stdout).toContain(says);
});

test("results are printed as external commands, or as JSON", async () => {
  const printed = await hub.ok("checkmk", "status-hosts", "--host", "far-{tenant}-{site}");
  expect(printed).toMatch(
    /^\[\d{10}\] PROCESS_HOST_CHECK_RESULT;far-acme-main;0;acme\/main is online\|.*\n\[\d{10}\] PROCESS_HOST_CHECK_RESULT;far-globex-east;0;globex\/east is unknown: no agent is enrolled\n$/,
  );
  expect(await hub.json("checkmk", "status-hosts", "--tenant", "acme")).toEqual([
    {
      tenant: "acme",
      site: "main",
      host: "acme-main",
      state: "online",
      word: "UP",
      output: expect.stringContaining("acme/main is online"),
    },
  ]);
});

test.each([
  [["--to", "live"], "not a core: live"],
  [["--every", "0"], "--every 0"],
  [["--every", "soon"], "--every soon"],
  [["--host", "{x}"], "only {tenant} and {site}"],
])("%j is wrong usage", async (words, says) => {
  expectRefusal(await hub.call(["checkmk", "status-hosts", ...words]), "E_USAGE", says);
});

test("a hub that is not there, or a core, is named", async () => {
  const idle = await lab.makeHub();
  const socket = join(idle.runDir, "livestatus.sock");
  expectRefusal(await idle.call(["checkmk", "status-hosts"]), "E_HUB_DOWN", socket, "its group");
  const path = join(lab.folder, "no-core");
  expectRefusal(
    await hub.call(["checkmk", "status-hosts", "--to", `unix:${path}`]),
    "E_CORE_UNREACHABLE",
    path,
  );
});

test("are given again and again, over failures, until it is told to stop", async () => {
  const path = join(lab.folder, "live");
  const heard: string[] = [];
  const core = () =>
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (chunk) => void heard.push(chunk.toString())).on("end", () => socket.end());
    }).listen(path);
  let server = core();
  lab.cleanup.add("close the core", () => server.close());
  const words = ["checkmk", "status-hosts", "--tenant", "acme", "--every", "1", "--to", `unix:${path}`];
  const program = [
    process.execPath,
    join(import.meta.dirname, "../../../hub/main.ts"),
    ...words,
    ...hub.places,
  ];
  const feed = await launch(program, {
    label: "status-hosts",
    ready: () => heard.length > 1,
    readyWithinMs: 45_000,
    cleanup: lab.cleanup,
  });
  server.close();
  await until("the failure", () => feed.output.includes("E_CORE_UNREACHABLE"));
  await until("the socket to be gone", () => !existsSync(path));
  heard.length = 0;
  server = core();
  await until("results again", () => heard.length > 1 && feed.output.includes("results are given again"));
  // told once, however many rounds it lasted
  expect(feed.output.match(/E_CORE_UNREACHABLE/g)).toHaveLength(1);
  expect(heard[0]).toMatch(/^COMMAND \[\d{10}\] PROCESS_HOST_CHECK_RESULT;acme-main;0;acme\/main is online/);
  expect(await feed.stop()).toMatchObject({ code: 0 });
});

test("a site whose agent was stopped is down", async () => {
  await agent.stop();
  await hub.reaches("acme/main", "disconnected");
  const { code, stdout } = await hub.call(["checkmk", "status-host", "acme/main"]);
  expect({ code, stdout }).toEqual({
    code: 2,
    stdout: "DOWN - acme/main is down: the agent stops\n",
  });
});
