import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { type ProxySettings, routesFrom, routeText, viewOf } from "../../../agent/route/route.ts";
import { FarsiteError } from "../../../common/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "farsite-route-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HUB = "wss://hub.example";

/** The route in words. */
function route(
  settings: Partial<ProxySettings>,
  environment: Record<string, string> = {},
  url = HUB,
): string {
  return routeText(viewOf(routesFrom({ from_environment: true, ...settings }, environment)(url)));
}

function refusal(settings: Partial<ProxySettings>, environment: Record<string, string> = {}): FarsiteError {
  try {
    route(settings, environment);
  } catch (error) {
    if (error instanceof FarsiteError) return error;
  }
  throw new Error("it was taken");
}

describe("the route is", () => {
  test.each<[string, string, Partial<ProxySettings>, Record<string, string>]>([
    ["direct where nothing is said", "direct", {}, {}],
    ["direct with an empty variable", "direct", {}, { HTTPS_PROXY: "" }],
    [
      "the configured proxy",
      "through the proxy http://proxy.example:3128 (agent.toml)",
      { url: "http://proxy.example:3128" },
      {},
    ],
    [
      "the configured one, whatever the environment says",
      "through the proxy http://proxy.example:3128 (agent.toml)",
      { url: "http://proxy.example:3128" },
      { HTTPS_PROXY: "http://other.example:8080", NO_PROXY: "*" },
    ],
    ["direct when configured so", "direct", { url: "none" }, { HTTPS_PROXY: "http://proxy.example:3128" }],
    [
      "direct when the environment does not count",
      "direct",
      { from_environment: false },
      { HTTPS_PROXY: "http://proxy.example:3128" },
    ],
    [
      "that of HTTPS_PROXY",
      "through the proxy http://proxy.example:3128 (HTTPS_PROXY)",
      {},
      { HTTPS_PROXY: "http://proxy.example:3128" },
    ],
    [
      "that of the lower-case variable before the upper-case one",
      "through the proxy http://lower.example:3128 (https_proxy)",
      {},
      { HTTPS_PROXY: "http://upper.example:3128", https_proxy: "http://lower.example:3128" },
    ],
    [
      "that of ALL_PROXY where there is no HTTPS_PROXY",
      "through the proxy http://all.example:3128 (ALL_PROXY)",
      {},
      { ALL_PROXY: "http://all.example:3128", HTTP_PROXY: "http://plain.example:3128" },
    ],
    [
      "that of a variable without a scheme",
      "through the proxy http://proxy.example:3128 (HTTPS_PROXY)",
      {},
      { HTTPS_PROXY: "proxy.example:3128" },
    ],
    [
      "at the scheme's port where a variable has none",
      "through the proxy https://proxy.example:443 (HTTPS_PROXY)",
      {},
      { HTTPS_PROXY: "https://proxy.example/" },
    ],
    [
      "direct for what NO_PROXY names",
      "direct",
      {},
      { HTTPS_PROXY: "proxy.example:1", NO_PROXY: "hub.example" },
    ],
    [
      "the proxy for what NO_PROXY does not name",
      "through the proxy http://proxy.example:1 (HTTPS_PROXY)",
      {},
      { HTTPS_PROXY: "proxy.example:1", no_proxy: "other.example" },
    ],
  ])("%s", (_, expected, settings, environment) => {
    expect(route(settings, environment)).toBe(expected);
  });

  test("chosen for each address of the hub, by NO_PROXY", () => {
    const environment = { HTTPS_PROXY: "proxy.example:3128", NO_PROXY: "10.0.0.0/8" };
    expect(route({}, environment, "wss://10.1.2.3:8443")).toBe("direct");
    expect(route({}, environment, "wss://203.0.113.10")).toContain("proxy.example");
  });

  test("direct by the environment for a hub without TLS, which is on this host", () => {
    expect(route({}, { HTTPS_PROXY: "proxy.example:3128" }, "ws://127.0.0.1:8443")).toBe("direct");
    expect(route({ url: "http://proxy.example:3128" }, {}, "ws://127.0.0.1:8443")).toContain("proxy.example");
  });
});

describe("refused, and not gone past:", () => {
  test.each([
    ["a SOCKS proxy", "socks5://proxy.example:1080", "spoken to with socks5"],
    ["a path", "http://proxy.example:3128/path", "does not name a proxy"],
    ["no host", "http://", "does not name a proxy"],
    ["a port out of range", "http://proxy.example:65536", "does not name a proxy"],
    ["a user that is not percent-encoded", "http://a%zz:secret@proxy.example:3128", "cannot be read"],
    ["a user with a colon", "http://a%3Ab:secret@proxy.example:3128", "cannot be read"],
    ["a user with a line break", "http://a%0d%0aX:secret@proxy.example:3128", "cannot be read"],
  ])("%s in a variable", (_, value, words) => {
    const error = refusal({}, { HTTPS_PROXY: value });
    expect(error.code).toBe("E_CONFIG");
    expect(error.message).toContain("HTTPS_PROXY");
    expect(error.message).toContain(words);
    expect(`${error.message} ${error.hint}`).not.toContain("secret");
  });

  test("a password file that is not there", () => {
    const error = refusal({
      url: "http://proxy.example:3128",
      user: "monitoring",
      password_file: join(folder, "none"),
    });
    expect(error.code).toBe("E_CONFIG");
  });

  test("a password file that others may read", () => {
    const file = join(folder, "open");
    writeFileSync(file, "secret\n");
    chmodSync(file, 0o644);
    const error = refusal({ url: "http://proxy.example:3128", user: "monitoring", password_file: file });
    expect([error.code, error.message.includes("secret")]).toEqual(["E_KEY_FILE", false]);
  });
});

test("credentials of the environment are not part of what is shown, logged or printed", () => {
  const chosen = routesFrom(
    { from_environment: true },
    { HTTPS_PROXY: "http://monitoring:s%40crit@proxy.example:3128" },
  )(HUB);
  expect(viewOf(chosen)).toEqual({ kind: "proxy", proxy: "http://proxy.example:3128", from: "HTTPS_PROXY" });
  for (const shown of [JSON.stringify(chosen), inspect(chosen, { depth: 9 }), routeText(viewOf(chosen))]) {
    expect(shown).toContain("proxy.example");
    expect(shown).not.toMatch(/monitoring|s@crit|s%40crit/);
  }
});
