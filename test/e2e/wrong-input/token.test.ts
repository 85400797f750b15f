import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeToken } from "../../../common/handshake/index.ts";
import { FarsiteLab } from "../../lab/farsite.ts";
import { expectRefusal } from "../refusal.ts";
import { changedToken } from "../token.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const hub = await lab.startHub();
let sites = 0;

/** A token of a new site of the hub. */
async function newToken(): Promise<{ path: string; token: string }> {
  const path = `acme/site${++sites}`;
  return { path, token: (await hub.addSite(path)).token };
}

/** Tries to enrol a new agent; nothing secret may be said about it. */
async function tryToken(token: string) {
  const finished = await lab.makeAgent().enroll(token);
  expect(finished.stderr).not.toContain(token.slice(0, 40));
  return finished;
}

describe("a token that is none", async () => {
  const { token } = await newToken();
  const middle = token.length >> 1;

  test.each([
    ["other text", "hello", "starts with fst1_"],
    ["nothing", "", "starts with fst1_"],
    ["only the prefix", "fst1_", "incomplete"],
    ["not its alphabet", "fst1_ÄÖÜ!", "incomplete"],
    ["its end is missing", token.slice(0, -1), "incomplete or was changed"],
    ["its start is missing", token.slice(8), "starts with fst1_"],
    ["its middle is missing", token.slice(0, middle) + token.slice(middle + 4), "incomplete or was changed"],
    [
      "one letter is changed",
      token.slice(0, middle) + (token[middle] === "A" ? "B" : "A") + token.slice(middle + 1),
      "incomplete or was changed",
    ],
    ["far too long", `fst1_${"A".repeat(100_000)}`, "starts with fst1_"],
  ])("%s", async (_, text, says) => {
    const finished = await lab.makeAgent().enroll(text);
    expectRefusal(
      finished,
      "E_TOKEN_MALFORMED",
      "this is not an enrolment token",
      says,
      "farsite-hub site token",
    );
    if (text.length > 8) expect(finished.stderr).not.toContain(text.slice(0, 40));
  });

  test("no token at all is wrong usage", async () => {
    expectRefusal(await lab.makeAgent().call(["enroll"]), "E_USAGE", "a token is missing");
  });

  test("the whole token still works, in two lines on standard input", async () => {
    const wrapped = `  ${token.slice(0, middle)}\r\n${token.slice(middle)}\n`;
    const finished = await lab.makeAgent().call(["enroll", "-"], { stdin: wrapped });
    expect(finished).toMatchObject({ code: 0, stderr: "" });
  });
});

test("a token from the environment works", async () => {
  const { token } = await newToken();
  const finished = await lab.makeAgent().call(["enroll"], { env: { FARSITE_TOKEN: token } });
  expect(finished).toMatchObject({ code: 0, stderr: "" });
});

describe("a token that the hub refuses", () => {
  const askForNew = "farsite-hub site token";

  test("was used", async () => {
    const { token } = await newToken();
    await lab.makeAgent().ok("enroll", token);
    expectRefusal(await tryToken(token), "E_TOKEN_USED", "the token was used already", askForNew);
  });

  test("has expired", async () => {
    const { token } = await newToken();
    const registry = new Database(join(hub.stateDir, "registry.sqlite"));
    const id = Buffer.from(decodeToken(token).id).toString("hex");
    const then = Date.now() - 1;
    expect(registry.run("UPDATE token SET expires_at = ? WHERE id = ?", [then, id]).changes).toBe(1);
    registry.close();
    const when = new Date(then).toISOString();
    expectRefusal(await tryToken(token), "E_TOKEN_EXPIRED", `the token expired at ${when}`, askForNew);
  });

  test("was replaced by a newer one", async () => {
    const { path, token } = await newToken();
    const newer = await hub.json<{ token: string }>("site", "token", path);
    expectRefusal(await tryToken(token), "E_TOKEN_REVOKED", "a newer one replaced it", askForNew);
    await lab.makeAgent().ok("enroll", newer.token);
  });

  test("was revoked", async () => {
    const { path, token } = await newToken();
    await hub.ok("site", "revoke", path);
    expectRefusal(await tryToken(token), "E_TOKEN_REVOKED", "the token was revoked", askForNew);
  });

  test("belongs to a site that is disabled, and works once it is enabled", async () => {
    const { path, token } = await newToken();
    await hub.ok("site", "disable", path);
    expectRefusal(await tryToken(token), "E_SITE_DISABLED", "disabled", "farsite-hub site enable");
    await hub.ok("site", "enable", path);
    await lab.makeAgent().ok("enroll", token);
  });

  test("belongs to a site that was removed", async () => {
    const { path, token } = await newToken();
    await hub.ok("site", "remove", path);
    expectRefusal(await tryToken(token), "E_TOKEN_UNKNOWN", "this hub does not know the token", askForNew);
  });

  test.each(["id", "secret"] as const)("has a guessed %s", async (part) => {
    const { token } = await newToken();
    const guessed = changedToken(token, { [part]: randomBytes(part === "id" ? 8 : 32) });
    expectRefusal(await tryToken(guessed), "E_TOKEN_UNKNOWN", "this hub does not know the token", askForNew);
    await lab.makeAgent().ok("enroll", token);
  });
});

describe("a token of another hub", () => {
  test("with another certificate", async () => {
    const first = await lab.startHub();
    const { token } = await first.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    const { token: second } = await first.addSite("acme/second");
    await first.stop();
    const other = await lab.startHub({ listen: { port: first.port } });

    const finished = await tryToken(second);
    expectRefusal(
      finished,
      "E_TLS_UNTRUSTED",
      first.url,
      "presents another TLS certificate",
      "Ask the hub's operator",
    );
    await agent.start();
    await agent.complains("E_TLS_UNTRUSTED");
    await Promise.all([agent.stop(), other.stop()]);
  });

  test("with the same certificate, but another key", async () => {
    const first = await lab.startHub();
    const { token } = await first.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    const { token: second } = await first.addSite("acme/second");
    await first.stop();

    const other = await lab.makeHub({ listen: { port: first.port } });
    mkdirSync(other.stateDir, { mode: 0o700 });
    for (const file of ["tls-certificate.pem", "tls-key.pem"]) {
      copyFileSync(join(first.stateDir, file), join(other.stateDir, file));
    }
    await other.start();
    expect(readFileSync(join(other.stateDir, "tls-key.pem"))).toEqual(
      readFileSync(join(first.stateDir, "tls-key.pem")),
    );

    expectRefusal(await tryToken(second), "E_HUB_KEY", "does not hold the key that the agent expects");
    await agent.start();
    await agent.complains("E_HUB_KEY");
    await Promise.all([agent.stop(), other.stop()]);
  });
});
