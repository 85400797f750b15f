/** What the hub answers itself: what is no sound HTTP, what takes too long, and sites that are away. */
import { expect, test } from "vitest";
import { MAX_FIELDS, MAX_HEAD } from "../../../hub/http/head.ts";
import { answer, HOST, request, rig } from "./rig.ts";

/** Sends it, and gives the status of the answer with its text, and what of it reached a site. */
async function outcome(
  bytes: string | Buffer,
): Promise<{ said: string; ending: string | undefined; sent: string }> {
  const { client, streams } = rig();
  const browser = await client().sends(bytes);
  const [, status, text] = /^HTTP\/1.1 (\d+) [\s\S]*?\r\n\r\n([\s\S]*)$/.exec(browser.received) ?? [];
  return {
    said: `${status} ${text}`,
    ending: browser.ending,
    sent: streams.map((each) => each.received).join(""),
  };
}

const head = (...lines: string[]) => [...lines, "\r\n"].join("\r\n");
const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\n`;

test.each<[string, string, string]>([
  ["two lengths", `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, "more than one Content-Length"],
  [
    "the same length twice",
    `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
    "more than one Content-Length",
  ],
  ["a list of lengths", `${POST}Content-Length: 1, 1\r\n\r\na`, "Content-Length is no number"],
  ["a length with a sign", `${POST}Content-Length: +1\r\n\r\na`, "Content-Length is no number"],
  ["a length below zero", `${POST}Content-Length: -1\r\n\r\na`, "Content-Length is no number"],
  ["a hexadecimal length", `${POST}Content-Length: 0x1\r\n\r\na`, "Content-Length is no number"],
  ["no length where one is named", `${POST}Content-Length:\r\n\r\na`, "Content-Length is no number"],
  [
    "a length that no number holds",
    `${POST}Content-Length: 9999999999999999\r\n\r\na`,
    "Content-Length is no number",
  ],
  [
    "length and chunks",
    `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "both Content-Length and Transfer-Encoding",
  ],
  [
    "chunks twice",
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "more than one Transfer-Encoding",
  ],
  [
    "chunks in HTTP/1.0",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding in HTTP/1.0",
  ],
  ["space before the colon", `${POST}Transfer-Encoding : chunked\r\n\r\n`, "a line is no header field"],
  ["a folded line", `${POST}X: a\r\n Transfer-Encoding: chunked\r\n\r\n`, "a line is no header field"],
  ["a folded first field", `POST / HTTP/1.1\r\n Host: ${HOST}\r\n\r\n`, "a line is no header field"],
  ["a field without a name", `${POST}: x\r\n\r\n`, "a line is no header field"],
  ["a field without a colon", `${POST}chunked\r\n\r\n`, "a line is no header field"],
  ["NUL", `${POST}X: a\0b\r\n\r\n`, "a line is no header field"],
  ["CR within a line", `${POST}X: a\rContent-Length: 5\r\n\r\n`, "a line is no header field"],
  ["LF alone", `GET / HTTP/1.1\nHost: ${HOST}\n\n`, "a line does not end with CR LF"],
  ["LF alone in the middle", `${POST}X: a\nY: b\r\n\r\n`, "a line does not end with CR LF"],
  ["LF first", "\nGET / HTTP/1.1\r\n", "a line does not end with CR LF"],
  ["no Host", head("GET / HTTP/1.1"), "Host is missing"],
  ["two Hosts", head("GET / HTTP/1.1", "Host: a", "Host: b"), "more than one Host"],
  ["a Host with a path", head("GET / HTTP/1.1", "Host: a/b"), "Host is not valid"],
  ["a Host with a user", head("GET / HTTP/1.1", "Host: a@b"), "Host is not valid"],
  ["an empty Host", head("GET / HTTP/1.1", "Host:"), "Host is not valid"],
  ["no method", head(" / HTTP/1.1", `Host: ${HOST}`), "the first line is no request"],
  ["two spaces", head("GET  / HTTP/1.1", `Host: ${HOST}`), "the first line is no request"],
  ["a space in the path", head("GET /a b HTTP/1.1", `Host: ${HOST}`), "the first line is no request"],
  ["a tab for a space", head("GET\t/ HTTP/1.1", `Host: ${HOST}`), "the first line is no request"],
  ["no version", head("GET /", `Host: ${HOST}`), "the first line is no request"],
  ["an answer", head("HTTP/1.1 200 OK", `Host: ${HOST}`), "the first line is no request"],
  ["Livestatus", "GET hosts\r\n\r\n", "the first line is no request"],
  ["CONNECT", head("CONNECT 127.0.0.1:22 HTTP/1.1", `Host: ${HOST}`), "the target is no path"],
  ["another scheme", head("GET file:///etc/passwd HTTP/1.1", `Host: ${HOST}`), "the target is no path"],
  ["an authority with a user", head("GET http://a@b/ HTTP/1.1", `Host: ${HOST}`), "the target is no path"],
  ["a relative path", head("GET acme/ HTTP/1.1", `Host: ${HOST}`), "the target is no path"],
])("%s is refused and reaches no site", async (_, bytes, reason) => {
  expect(await outcome(bytes)).toEqual({
    said: `400 Farsite: malformed HTTP: ${reason}\n`,
    ending: "ended",
    sent: "",
  });
});

const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

test.each([
  ["no size", "\r\nabc"],
  ["a size that is no number", "xyz\r\nabc"],
  ["a size with 0x", "0x3\r\nabc\r\n"],
  ["a size with a sign", "-3\r\nabc\r\n"],
  ["a size behind a space", " 3\r\nabc\r\n"],
  ["a size before a space", "3 \r\nabc\r\n"],
  ["a size of too many digits", "0000000000003\r\nabc\r\n"],
  ["a size that ends with LF", "3\nabc\r\n"],
  ["LF in an extension", "3;a\nb\r\nabc\r\n"],
  ["CR in an extension", "3;a\rb\r\nabc\r\n"],
  ["a chunk longer than its size", "3\r\nabcd\r\n"],
  ["a chunk that ends with LF", "3\r\nabc\n0\r\n\r\n"],
  ["a trailer that is no field", "0\r\nGET / HTTP/1.1\r\n\r\n"],
  ["a trailer that ends with LF", "0\r\nA: b\n\r\n"],
  ["a line without an end", `3;${"x".repeat(5000)}`],
  ["too many trailers", `0\r\n${"A: b\r\n".repeat(MAX_FIELDS + 1)}\r\n`],
])("a body in chunks with %s is refused, and the site's connection broken", async (_, body) => {
  const { client, newest } = rig();
  const browser = await client().sends(CHUNKED + body);
  expect(browser.received).toMatch(/^HTTP\/1.1 400 [\s\S]*\r\n\r\nFarsite: malformed HTTP: [^\n]*\n$/);
  expect([browser.ending, newest().resetBy]).toEqual(["ended", "cancelled"]);
});

test("a body that goes wrong when the answer has begun breaks both connections", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(CHUNKED);
  await newest().says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  await browser.sends("wrong\r\n");
  expect([browser.ending, newest().resetBy]).toEqual(["reset", "cancelled"]);
});

test("other codings and versions are named as not known", async () => {
  const gzip = await outcome(`${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`);
  expect(gzip).toMatchObject({
    said: "501 Farsite: no Transfer-Encoding but chunked is known here\n",
    sent: "",
  });
  // white space to some, not to others
  expect(
    (await outcome(Buffer.from(`${POST}Transfer-Encoding: chunked\xa0\r\n\r\n`, "latin1"))).said,
  ).toMatch(/^501/);
  expect((await outcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).said).toMatch(/^505 /);
});

test("a head has limits", async () => {
  const many = Array.from({ length: MAX_FIELDS }, (_, i) => `X-${i}: y`);
  expect((await outcome(head("GET / HTTP/1.1", ...many))).said).toMatch(/^400 .*Host is missing/);
  expect((await outcome(head("GET / HTTP/1.1", ...many, "Z: z"))).said).toMatch(/^431 /);
  expect((await outcome("\r\n".repeat(MAX_FIELDS + 2))).said).toMatch(/^431 /);
  const long = await outcome(`GET /${"x".repeat(MAX_HEAD)}`);
  expect(long).toMatchObject({ said: `431 Farsite: a head of more than ${MAX_HEAD >> 10} KiB\n`, sent: "" });
  expect((await outcome(request(`GET /${"x".repeat(MAX_HEAD - 100)}`))).sent).toContain("GET /xxx");
});

test("a request that names a whole URL goes to its path, with that URL's host", async () => {
  const { sent } = await outcome(head("GET http://central.example:81?x HTTP/1.1", "Host: other"));
  expect(sent).toMatch(/^GET \/\?x HTTP\/1.1\r\nHost: central.example:81\r\nX-Forwarded-For/);
});

test("an empty line before a request is left out", async () => {
  expect((await outcome(`\r\n${request("GET /1")}`)).sent).toMatch(/^GET \/1 /);
});

test.each([
  ["no HTTP", "220 smtp\r\n\r\n"],
  ["a line that is no field", "HTTP/1.1 200 OK\r\nno field\r\n\r\n"],
  ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
  ["LF alone", "HTTP/1.1 200 OK\nA: b\n\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"],
  [
    "length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a head without an end", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(MAX_HEAD)}`],
  ["only interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17)],
])("a site that answers with %s is not believed", async (_, said) => {
  const { client, newest } = rig();
  const browser = await client().sends("GET / HTTP/1.0\r\n\r\n");
  await newest().says(said);
  expect(browser.received).toMatch(
    /^HTTP\/1.1 502 [\s\S]*the site's web server sent what cannot be understood/,
  );
  expect([browser.ending, newest().resetBy]).toEqual(["ended", "cancelled"]);
});

test("a site that is away answers at once, and says when to come back", async () => {
  const { client, facts, streams } = rig();
  facts.unreachable = "the site is not connected: the <b>carrier</b> was lost";
  const central = await client().sends(`${request("POST /acme/", "Content-Length: 100")}abc`);
  expect(central.received).toBe(
    [
      "HTTP/1.1 503 Service Unavailable",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Length: 64",
      "Cache-Control: no-store",
      "X-Content-Type-Options: nosniff",
      "Retry-After: 10",
      "Connection: close",
      "",
      "Farsite: the site is not connected: the ?b?carrier?/b? was lost\n",
    ].join("\r\n"),
  );
  expect([central.ending, streams]).toEqual(["ended", []]);
});

test("to HEAD no text is sent", async () => {
  const { client, facts } = rig();
  facts.unreachable = "the site is not connected";
  const browser = await client().sends(request("HEAD /"));
  expect(browser.received).toMatch(/Content-Length: 35\r\n[\s\S]*\r\n\r\n$/);
});

test.each([
  ["targetUnreachable", "502", "its agent cannot reach the site's web server"],
  ["serviceUnknown", "502", "its agent offers no web server"],
  ["sessionLost", "502", "the connection to the site was lost"],
  ["limit", "503", "too many connections to the site are open"],
] as const)("a stream that is reset is told: %s", async (reason, status, text) => {
  const { client, newest } = rig();
  const browser = await client().sends(request("GET /"));
  await newest().breaks(reason);
  expect(browser.received).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\r\n\r\nFarsite: ${text}\n$`));
});

test("a head that does not end, and one that never begins, are waited for so long", async () => {
  const { client, clock } = rig();
  const [slow, silent] = [client(), client()];
  await slow.sends("GET / HTTP/1.1\r\n");
  clock.advance(9_000);
  await slow.sends(`Host: ${HOST}\r\n`);
  clock.advance(1_100);
  expect(slow.received).toMatch(/^HTTP\/1.1 408 [\s\S]*head of a request was not complete within 10 s\n$/);
  clock.advance(49_800);
  expect(silent.ending).toBeUndefined();
  clock.advance(200);
  expect([silent.ending, silent.received]).toEqual(["ended", ""]);
});

test("an answer is waited for as long as something moves", async () => {
  const { client, clock, newest } = rig();
  const central = await client().sends(`${request("POST /", "Content-Length: 3")}a`);
  clock.advance(299_000);
  await central.sends("bc");
  clock.advance(299_000);
  expect(central.received).toBe("");
  clock.advance(1_100);
  expect(central.received).toMatch(/^HTTP\/1.1 504 [\s\S]*did not answer within 300 s\n$/);
  expect(newest().resetBy).toBe("cancelled");
});

test("a request whose rest does not come is given up", async () => {
  const { client, clock } = rig();
  const central = await client().sends(`${request("POST /", "Content-Length: 3")}a`);
  clock.advance(300_100);
  expect(central.received).toMatch(/^HTTP\/1.1 408 [\s\S]*nothing more of the request came within 300 s\n$/);
});

test("an answer that stops, and a client that takes none of it, are given up", async () => {
  const { client, clock, newest } = rig();
  const browser = await client().sends(request("GET /"));
  await newest().says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  clock.advance(300_100);
  expect(browser.ending).toBe("reset");

  const other = client();
  await other.sends(request("GET /"));
  other.blocking = true;
  await newest().says(answer("x".repeat(100_000)));
  clock.advance(300_100);
  expect(other.ending).toBe("reset");
});

test("more clients of a site than allowed are told so", async () => {
  const { client } = rig({ clients: 2 });
  const [first, second] = [client(), client()];
  expect(client().received).toMatch(/^HTTP\/1.1 503 [\s\S]*too many clients of this site are connected\n$/);
  await first.leaves();
  await second.leaves();
  const later = await client().sends(request("GET /"));
  expect(later.received).toBe("");
});
