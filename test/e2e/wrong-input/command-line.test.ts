import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { call, commandLine, FarsiteLab } from "../../lab/farsite.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
/** Every command with arguments that it takes. */
const commands = {
  hub: [
    ["serve"],
    ["tenant", "add", "acme"],
    ["tenant", "list"],
    ["tenant", "remove", "acme"],
    ["site", "add", PATH],
    ["site", "list"],
    ["site", "show", PATH],
    ["site", "token", PATH],
    ["site", "enable", PATH],
    ["site", "disable", PATH],
    ["site", "revoke", PATH],
    ["site", "remove", PATH],
    ["endpoints"],
    ["status"],
    ["checkmk", "sites.mk"],
    ["checkmk", "nagvis"],
    ["checkmk", "thruk"],
  ],
  agent: [["enroll"], ["run"], ["status"], ["services"], ["detect"]],
} as const;

const every = (["hub", "agent"] as const).flatMap((kind) =>
  commands[kind].map((words) => [kind, [...words] as string[]] as const),
);
/** The command itself, without what it is asked about. */
const verbs = (words: readonly string[]) => words.filter((word) => word !== PATH && word !== "acme");

describe.each([["hub"], ["agent"]] as const)("farsite-%s", (kind) => {
  test.each(["--help", "-h"])("%s lists every command and the exit status", async (option) => {
    const finished = await call(kind, [option]);
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(finished.stdout).toMatch(new RegExp(`^Usage: farsite-${kind} `));
    for (const [word] of commands[kind]) expect(finished.stdout).toMatch(new RegExp(`^ {2}${word}\\b`, "m"));
    expect(finished.stdout).toContain("Exit status: 0 done, 1 failed, 2 wrong usage.");
  });

  test.each(["--version", "-V"])("%s prints the release", async (option) => {
    expect(await call(kind, [option])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test("without a command shows its help as an error", async () => {
    const finished = await call(kind, []);
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toMatch(new RegExp(`^Usage: farsite-${kind} `));
  });

  test("an unknown command is wrong usage, and a slip is named", async () => {
    expectRefusal(await call(kind, ["frobnicate"]), "E_USAGE", "unknown command 'frobnicate'", "--help");
    expectRefusal(await call(kind, ["statsu"]), "E_USAGE", "unknown command 'statsu'", "status");
  });

  test("an unknown option is wrong usage", async () => {
    expectRefusal(await call(kind, ["--frobnicate"]), "E_USAGE", "unknown option '--frobnicate'");
  });
});

describe.each(every)("farsite-%s %j", (kind, words) => {
  test("--help describes it", async () => {
    const finished = await call(kind, [...verbs(words), "--help"]);
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(finished.stdout).toContain(`Usage: farsite-${kind} ${verbs(words).join(" ")}`);
    for (const option of ["--config", "--state-dir", "--run-dir"]) expect(finished.stdout).toContain(option);
  });

  test("--version prints the release", async () => {
    const finished = await call(kind, [...words, "--version"]);
    expect(finished).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test("wrong usage is refused", async () => {
    expectRefusal(await call(kind, [...words, "--frobnicate"]), "E_USAGE", "unknown option '--frobnicate'");
    expectRefusal(await call(kind, [...words, "a", "b"]), "E_USAGE", "too many arguments");
    expectRefusal(await call(kind, [...words, "--config"]), "E_USAGE", "argument missing");
  });
});

describe("a command group without a command", () => {
  test.each(["tenant", "site", "checkmk"])("%s shows its help as an error", async (group) => {
    const finished = await call("hub", [group]);
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toMatch(new RegExp(`^Usage: farsite-hub ${group} `));
    expectRefusal(await call("hub", [group, "frobnicate"]), "E_USAGE", "unknown command 'frobnicate'");
  });
});

describe("an argument is missing", () => {
  test.each(
    commands.hub.filter((words) => verbs(words).length < words.length).map((words) => [verbs(words)]),
  )("farsite-hub %j", async (words) => {
    expectRefusal(await call("hub", words), "E_USAGE", "missing required argument");
  });
});

describe("nobody answers", () => {
  test.each(commands.hub.filter((words) => words[0] !== "serve").map((words) => [[...words] as string[]]))(
    "farsite-hub %j",
    async (words) => {
      const hub = await lab.makeHub();
      const finished = await hub.call(words);
      expectRefusal(finished, "E_HUB_DOWN", join(hub.runDir, "admin.sock"), "farsite-hub serve", "--run-dir");
    },
  );

  test("farsite-agent status", async () => {
    const agent = lab.makeAgent();
    const socket = join(agent.runDir, "status.sock");
    expectRefusal(await agent.call(["status"]), "E_AGENT_DOWN", socket, "farsite-agent run", "--run-dir");
  });

  test("what is left of a socket is no hub and no agent", async () => {
    const hub = await lab.makeHub();
    mkdirSync(hub.runDir);
    writeFileSync(join(hub.runDir, "admin.sock"), "");
    expectRefusal(await hub.call(["status"]), "E_HUB_DOWN", join(hub.runDir, "admin.sock"));
    const agent = lab.makeAgent();
    mkdirSync(agent.runDir);
    writeFileSync(join(agent.runDir, "status.sock"), "");
    expectRefusal(await agent.call(["status"]), "E_AGENT_DOWN", join(agent.runDir, "status.sock"));
  });
});

describe("what the hub does not do", async () => {
  const hub = await lab.startHub();
  await hub.addSite(PATH);
  const before = await hub.status();
  afterAll(async () => {
    const after = await hub.status();
    expect(after.sites).toEqual(before.sites);
    expectNoTrace(hub.process.output);
  });

  test.each([
    ["tenant remove globex", "there is no tenant globex"],
    ["site add globex/main", "there is no tenant globex", "farsite-hub tenant add globex"],
    ["site list globex", "there is no tenant globex"],
    ["site show acme/other", "there is no site acme/other"],
    ["site show globex/main", "there is no site globex/main"],
    ["site token acme/other", "there is no site acme/other"],
    ["site enable acme/other", "there is no site acme/other"],
    ["site disable acme/other", "there is no site acme/other"],
    ["site revoke acme/other", "there is no site acme/other"],
    ["site remove acme/other", "there is no site acme/other"],
  ])("%s: it does not exist", async (line, ...says) => {
    expectRefusal(await hub.call(line.split(" ")), "E_NOT_FOUND", ...says);
  });

  test.each([
    ["tenant add acme", "the tenant acme exists already"],
    [`site add ${PATH}`, "the site acme/main exists already"],
    ["tenant remove acme", "the tenant acme still has sites", "Remove its sites first."],
  ])("%s: it exists", async (line, ...says) => {
    expectRefusal(await hub.call(line.split(" ")), "E_EXISTS", ...says);
  });

  const names = ["", "ACME", "acme_2", "acme-", "acme/main", "..", ".", "äcme", "a".repeat(25)];
  test.each(names)("tenant add %j: the name is not allowed", async (name) => {
    expectRefusal(await hub.call(["tenant", "add", name]), "E_NAME", "not a tenant name", "1 to 24 of a-z");
  });

  const sites = ["1main", "ma in", "main!", "mäin", "..", ".", "a".repeat(33)];
  test.each(sites)("site add acme/%s: the name is not allowed", async (name) => {
    expectRefusal(await hub.call(["site", "add", `acme/${name}`]), "E_NAME", "not a site name", "a site ID");
  });

  test.each(["acme", "acme/", "/main", "acme/main/x", "", "/", "acme//main"])(
    "site add %j: not a tenant and a site",
    async (path) => {
      expectRefusal(await hub.call(["site", "add", path]), "E_NAME", "not a site", "TENANT/SITE");
    },
  );

  test.each([
    ["tenant", "remove", ".."],
    ["tenant", "remove", ""],
    ["site", "show", "../main"],
    ["site", "remove", "acme/.."],
    ["site", "remove", "acme/."],
    ["site", "disable", "../.."],
  ])("%s %s %j: such a name cannot exist", async (...words) => {
    expectRefusal(await hub.call(words), "E_NAME", "not a ");
  });

  test.each(["telnet", "livestatus,telnet", "", "livestatus,"])(
    "site add --services %j",
    async (services) => {
      const finished = await hub.call(["site", "add", "acme/new", "--services", services]);
      expectRefusal(finished, "E_NAME", "no port is configured for", "Known services: ", "hub.toml");
    },
  );

  test.each(["0", "-1", "10081", "soon", "", "NaN", "1h"])("site token --minutes %j", async (minutes) => {
    const finished = await hub.call(["site", "token", PATH, `--minutes=${minutes}`]);
    expectRefusal(finished, "E_USAGE", `--minutes ${minutes}`, "a number from 1 to 10080");
  });

  test("more sites than addresses", async () => {
    const small = await lab.startHub({ endpoints: { pool: "127.69.0.0/30" } });
    await small.addSite("acme/first");
    await small.addSite("acme/second");
    const finished = await small.call(["site", "add", "acme/third"]);
    expectRefusal(finished, "E_POOL_EMPTY", "all 2 addresses of the pool are in use", "endpoints.pool");
    await small.ok("site", "remove", "acme/first");
    await small.ok("site", "add", "acme/third");
    await small.stop();
  });
});

test.each(["hub", "agent"] as const)(
  "farsite-%s whose reader has seen enough ends without a word, as head(1) wants it",
  async (kind) => {
    const [program = "", ...args] = commandLine(kind, ["--help"]);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    const [code] = await once(child, "close");
    expect([code, complaint]).toEqual([0, ""]);
  },
);
