/** What a site sees of a request, and a client of an answer, besides their bodies. */
import { expect, test } from "vitest";
import { rewriteLocation } from "../../../hub/http/location.ts";
import { answer, HOST, request, rig } from "./rig.ts";

async function seen(address: string, first: string, ...fields: string[]): Promise<string[]> {
  const { client, newest } = rig();
  await client(address).sends(request(first, ...fields));
  return newest().received.split("\r\n");
}

test("the client's address stands last in X-Forwarded-For, whoever it says it is", async () => {
  const lines = await seen(
    "192.0.2.9",
    "GET /",
    "X-Forwarded-For: 203.0.113.1",
    "x-forwarded-for: 203.0.113.2",
  );
  expect(lines).toContain("X-Forwarded-For: 203.0.113.1, 203.0.113.2, 192.0.2.9");
  expect(await seen("unix", "GET /")).toContain("X-Forwarded-For: 127.0.0.1");
});

test("what a proxy before the hub says of the browser is kept, and not mixed with what the hub sees", async () => {
  const lines = await seen(
    "127.0.0.1",
    "GET /",
    "X-Forwarded-Host: central.example",
    "X-Forwarded-Proto: https",
  );
  expect(lines.filter((line) => /^X-Forwarded-(?!For)/.test(line))).toEqual([
    "X-Forwarded-Host: central.example",
    "X-Forwarded-Proto: https",
  ]);
});

test("the port is that by which the client called, or the usual one", async () => {
  const { client, newest } = rig();
  await client().sends("GET / HTTP/1.1\r\nHost: site.example\r\n\r\n");
  expect(newest().received).toContain("\r\nX-Forwarded-Port: 80\r\n");
});

test("fields of one connection stay there, and those that Connection names", async () => {
  const fields = [
    "Keep-Alive: 5",
    "TE: trailers",
    "Proxy-Authorization: x",
    "Connection: a-b, TE",
    "A-B: c",
    "D: e",
  ];
  expect((await seen("127.0.0.1", "GET /", ...fields)).slice(2, -6)).toEqual(["D: e"]);
});

test("what says where a request ends cannot be taken away by naming it in Connection", async () => {
  const lines = await seen("127.0.0.1", "POST /", "Connection: content-length, host", "Content-Length: 0");
  expect(lines).toEqual(expect.arrayContaining(["Content-Length: 0", `Host: ${HOST}`]));
});

test("fields that are not understood pass as they are, to the byte", async () => {
  const { client, newest } = rig();
  const odd = Buffer.from(request("GET /", "x-CHECKMK-version: 2.3.0p1", "Cookie: a=\xe4; b=\xa0"), "latin1");
  await client().sends(odd);
  expect(newest().received).toContain("\r\nx-CHECKMK-version: 2.3.0p1\r\nCookie: a=\xe4; b=\xa0\r\n");
});

test("an answer loses the fields of its connection only", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(request("GET /"));
  await newest().says(
    answer(
      "",
      "302 Found",
      "Keep-Alive: timeout=5",
      "Connection: Upgrade, Keep-Alive",
      "Upgrade: h2",
      "Location: /acme/",
    ),
  );
  expect(browser.received).toBe("HTTP/1.1 302 Found\r\nLocation: /acme/\r\nContent-Length: 0\r\n\r\n");
});

test.each([
  ["http://127.0.0.1:5000/acme/check_mk/?a=b#c", "http://127.64.0.1:5000/acme/check_mk/?a=b#c"],
  ["https://localhost/acme/", "http://127.64.0.1:5000/acme/"],
  ["http://[::1]:5000", "http://127.64.0.1:5000"],
  ["HTTP://LocalHost:81?x", "http://127.64.0.1:5000?x"],
  // another site's endpoint, as far as this one may know
  ["http://127.64.0.2:5000/globex/", "http://127.64.0.1:5000/globex/"],
])("a place on the site's own machine is where the client found the site: %s", (url, wanted) => {
  expect(rewriteLocation(url, HOST)).toBe(wanted);
});

test.each([
  "index.py",
  "/acme/check_mk/",
  "//127.0.0.1/x",
  "http://127.64.0.1:5000/acme/",
  "https://sso.example.com/login?back=http://127.0.0.1:5000/",
  "http://127.0.0.1.example.com/",
  "http://127.0.0.1@example.com/",
  "http://10.0.0.1:5000/",
  "ftp://127.0.0.1/",
  "",
])("any other place is left as it is: %s", (url) => {
  expect(rewriteLocation(url, HOST)).toBe(url);
});
