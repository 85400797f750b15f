import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { centralUrl, checkedUser, readSecret, withoutProxy } from "../../../hub/checkmk/rest/access.ts";

function file(text: string, mode: number): string {
  const folder = mkdtempSync(join(tmpdir(), "farsite-checkmk-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "secret");
  writeFileSync(path, text, { mode });
  return path;
}

describe("the REST API's URL", () => {
  test.each([
    ["https://mon.example/central/check_mk/api/1.0", "https://mon.example/central/check_mk/api/1.0"],
    ["https://MON.example:443/central/check_mk/api/1.0/", "https://mon.example/central/check_mk/api/1.0"],
    ["https://mon.example:8443/central/check_mk", "https://mon.example:8443/central/check_mk/api/1.0"],
    ["http://127.0.0.1:5000/central/check_mk/", "http://127.0.0.1:5000/central/check_mk/api/1.0"],
    ["http://localhost/central/check_mk/api/v1", "http://localhost/central/check_mk/api/v1"],
    ["http://[::1]/central/check_mk", "http://[::1]/central/check_mk/api/1.0"],
  ])("%s", (text, url) => {
    expect(centralUrl(text)).toBe(url);
  });

  test.each([
    ["mon.example", "is not a URL"],
    ["https://mon.example/", "is not the address of a REST API"],
    ["https://mon.example/central/", "is not the address of a REST API"],
    ["https://mon.example/central/check_mk/login.py", "is not the address of a REST API"],
    ["https://mon.example/central/check_mk/api/1.0?x=1", "is not the address of a REST API"],
    ["https://automation:s@mon.example/central/check_mk", "must not hold a user or a password"],
    ["http://mon.example/central/check_mk", "would send the secret unprotected"],
    ["http://127.0.0.1.example/central/check_mk", "would send the secret unprotected"],
    ["file:///central/check_mk", "would send the secret unprotected"],
  ])("is not %s", (text, says) => {
    expect(() => centralUrl(text)).toThrow(says);
  });
});

test("a plain request goes past no proxy's eyes, an encrypted one as the environment says", () => {
  const plain = {
    HTTP_PROXY: "http://proxy",
    http_proxy: "http://proxy",
    ALL_PROXY: "http://proxy",
    HOME: "/",
  };
  withoutProxy("http://127.0.0.1/central", plain);
  expect(plain).toEqual({ HOME: "/" });
  const tls = { HTTPS_PROXY: "http://proxy" };
  withoutProxy("https://mon.example/central", tls);
  expect(tls).toEqual({ HTTPS_PROXY: "http://proxy" });
});

describe("the secret", () => {
  test("comes from a file or the environment", () => {
    expect(readSecret(file("s3cret\n", 0o660), {})).toBe("s3cret");
    expect(readSecret(undefined, { FARSITE_CHECKMK_SECRET: "s3cret" })).toBe("s3cret");
  });

  test("is wanted once", () => {
    const says = "give the automation secret once";
    expect(() => readSecret(undefined, {})).toThrow(says);
    expect(() => readSecret("/secret", { FARSITE_CHECKMK_SECRET: "x" })).toThrow(says);
  });

  test.each([
    ["open to everybody", () => file("s3cret", 0o644)],
    ["cannot be read", () => "/nonexistent/secret"],
    ["does not hold", () => file("", 0o600)],
    ["does not hold", () => file("two words", 0o600)],
    ["does not hold", () => file("a\r\nX-Header: b", 0o600)],
    ["does not hold", () => file("sécret", 0o600)],
  ])("is refused: %s", (says, path) => {
    expect(() => readSecret(path(), {})).toThrow(says);
  });
});

test.each(["", "two words", "a\r\nb", "ü"])("%j is no user", (user) => {
  expect(() => checkedUser(user)).toThrow("is not a user of Checkmk");
});
