import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addEnroll, addRun, addServices, addStatus } from "../../../agent/command/index.ts";
import { writeHub } from "../../../agent/state.ts";
import { createProgram, runProgram } from "../../../common/command/index.ts";
import { encodeToken } from "../../../common/handshake/index.ts";
import {
  addAudit,
  addEndpoints,
  addQuery,
  addServe,
  addSite,
  addTenant,
} from "../../../hub/command/index.ts";

let directory: string;
let err = "";
let out = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "farsite-command-"));
  err = "";
  out = "";
  vi.stubEnv("FARSITE_TOKEN", undefined);
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** Runs a command line with all its files in a directory of its own; gives the exit status. */
async function run(name: "farsite-hub" | "farsite-agent", ...argv: string[]): Promise<number> {
  const program = createProgram(name, "");
  const commands =
    name === "farsite-hub"
      ? [addServe, addTenant, addSite, addEndpoints, addQuery, addAudit]
      : [addEnroll, addRun, addStatus, addServices];
  for (const add of commands) add(program);
  const places = [
    "--config",
    join(directory, "x.toml"),
    "--state-dir",
    join(directory, "state"),
    "--run-dir",
    join(directory, "run"),
  ];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await runProgram(program, [...argv, ...places]);
    return Number(process.exitCode);
  } finally {
    process.exitCode = before ?? 0;
  }
}

const hub = (...argv: string[]) => run("farsite-hub", ...argv);
const agent = (...argv: string[]) => run("farsite-agent", ...argv);
const config = (text: string) => writeFileSync(join(directory, "x.toml"), text);

/** What is expected on standard error: a line with the code, and advice, but never a stack trace. */
function told(code: string, ...words: string[]): void {
  expect(err).toMatch(new RegExp(`^farsite-(hub|agent): [^\\n]+ \\[${code}\\]\\n( {2}[^\\n]+\\n)*$`));
  for (const word of words) expect(err).toContain(word);
  expect(out).toBe("");
}

test("a hub without its configuration says which file is missing, and makes nothing", async () => {
  expect(await hub("serve")).toBe(1);
  told("E_CONFIG", join(directory, "x.toml"), "there is no such file");
  expect(readdirSync(directory)).toEqual([]);
});

test("a hub with a wrong configuration says what is wrong, and makes nothing", async () => {
  config('url = "wss://hub.example"\n[listen]\nport = "x"\n[limits]\nstreams = 0\n');
  expect(await hub("serve")).toBe(1);
  told("E_CONFIG", "listen.port", "limits.streams");
  expect(readdirSync(directory)).toEqual(["x.toml"]);
});

test.each([
  ["site add", ["site", "add", "acme"]],
  ["site show", ["site", "show", "acme/"]],
  ["site token", ["site", "token", "/main"]],
  ["site remove", ["site", "remove", "acme/../../globex"]],
  ["site revoke", ["site", "revoke", "acme/.."]],
])("%s with something that is no site ends with 1, before the hub is asked", async (_, argv) => {
  expect(await hub(...argv)).toBe(1);
  told("E_NAME");
});

test.each([["0"], ["10081"], ["soon"], ["NaN"], ["-1"]])(
  "a token of %s minutes is wrong usage",
  async (minutes) => {
    expect(await hub("site", "token", "acme/main", `--minutes=${minutes}`)).toBe(2);
    told("E_USAGE", "1 to 10080");
  },
);

test.each([
  ["tenant add", ["tenant", "add", "acme"]],
  ["tenant list", ["tenant", "list", "--json"]],
  ["site list", ["site", "list"]],
  ["endpoints", ["endpoints"]],
  ["status", ["status", "--json"]],
  ["query", ["query", "--all", "GET hosts"]],
  ["audit", ["audit", "--tenant", "acme"]],
])("%s without a running hub says how to start it", async (_, argv) => {
  expect(await hub(...argv)).toBe(1);
  told("E_HUB_DOWN", join(directory, "run", "admin.sock"), "farsite-hub serve");
});

test.each([
  ["of nobody", ["GET hosts"]],
  ["of a tenant and all", ["GET hosts", "--all", "--tenant", "acme"]],
  ["without a line", ["--all"]],
])("a query %s is wrong usage", async (_, argv) => {
  expect(await hub("query", ...argv)).toBe(2);
  told("E_USAGE");
});

test.each([
  ["of a tenant and a site", ["--tenant", "acme", "--site", "acme/main"]],
  ["without end", ["--limit", "100001"]],
  ["of no records", ["--limit", "0"]],
  ["since some time", ["--since", "yesterday"]],
])("an audit %s is wrong usage", async (_, argv) => {
  expect(await hub("audit", ...argv)).toBe(2);
  told("E_USAGE");
});

test("an agent that is not enrolled says how it gets to be", async () => {
  config("");
  expect(await agent("run")).toBe(1);
  told("E_NOT_ENROLLED", "farsite-agent enroll TOKEN");
});

test("an agent without its configuration, or with a wrong one, does not start", async () => {
  expect(await agent("run")).toBe(1);
  told("E_CONFIG", "there is no such file");
  err = "";
  config('[services]\nlivestatus = "/run/live"\n');
  expect(await agent("run")).toBe(1);
  told("E_CONFIG", "services.livestatus");
});

test("the status of an agent that does not run says how to start it", async () => {
  expect(await agent("status", "--json")).toBe(1);
  told("E_AGENT_DOWN", join(directory, "run", "status.sock"), "farsite-agent run");
});

test("the services of an agent without a configuration say which file is missing", async () => {
  expect(await agent("services")).toBe(1);
  told("E_CONFIG", "there is no such file");
});

test.each([
  ["no token", [], 2, "E_USAGE"],
  ["junk", ["xyz"], 1, "E_TOKEN_MALFORMED"],
  ["half a token", [encodeToken(token()).slice(0, 50)], 1, "E_TOKEN_MALFORMED"],
])("enrolling with %s ends before anything is made or dialled", async (_, argv, status, code) => {
  expect(await agent("enroll", ...argv)).toBe(status);
  told(code);
  expect(readdirSync(directory)).toEqual([]);
});

test("a token in the environment is taken when none is given", async () => {
  vi.stubEnv("FARSITE_TOKEN", "xyz");
  expect(await agent("enroll")).toBe(1);
  told("E_TOKEN_MALFORMED");
});

test("what is wrong with the configuration is said before the token is used", async () => {
  config("[servces]\n");
  expect(await agent("enroll", encodeToken(token()))).toBe(1);
  told("E_CONFIG", "did you mean services?");
  expect(existsSync(join(directory, "state"))).toBe(false);
});

test("an agent that is enrolled is not enrolled again unless it is forced", async () => {
  mkdirSync(join(directory, "state"));
  writeHub(join(directory, "state"), { url: "wss://hub.example", hubKey: "x", tenant: "acme", site: "main" });
  expect(await agent("enroll", encodeToken(token()))).toBe(1);
  told("E_ALREADY_ENROLLED", "--force");
});

function token() {
  return {
    url: "wss://hub.example",
    hubKey: Buffer.alloc(32, 1),
    certificate: undefined,
    id: Buffer.alloc(8, 2),
    secret: Buffer.alloc(32, 3),
  };
}
