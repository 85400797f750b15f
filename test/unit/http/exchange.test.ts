/** How requests and answers pass between a client and a site's web server. */
import { expect, test } from "vitest";
import { answer, HOST, request, rig } from "./rig.ts";

const GET = request("GET /acme/");

test("a request goes to the site with its client's address, and the answer back as it is", async () => {
  const { client, newest, gone } = rig();
  const browser = await client("192.0.2.9").sends(request("GET /acme/check_mk/?a=b", "Cookie: x=y"));
  expect(newest().received).toBe(
    [
      "GET /acme/check_mk/?a=b HTTP/1.1",
      `Host: ${HOST}`,
      "Cookie: x=y",
      "X-Forwarded-For: 192.0.2.9",
      "X-Forwarded-Proto: http",
      `X-Forwarded-Host: ${HOST}`,
      "X-Forwarded-Port: 5000",
      "\r\n",
    ].join("\r\n"),
  );
  const said = answer(
    "<html>",
    "200 OK",
    "Server: Apache",
    "Set-Cookie: a=b; Path=/acme/",
    "Set-Cookie: c=d",
  );
  await newest().says(said);
  expect(browser.received).toBe(said);
  expect(newest().credited).toBe(said.length);
  expect(browser.ending).toBeUndefined();
  await browser.leaves();
  expect([gone, newest().resetBy]).toEqual([[browser], "cancelled"]);
});

test("one stream serves a client's requests, one after another, in their order", async () => {
  const { client, streams, newest } = rig();
  const browser = await client().sends(request("GET /1") + request("GET /2") + request("GET /3"));
  for (const n of ["1", "2", "3"]) {
    expect(newest().received.match(/^GET/gm)).toHaveLength(Number(n));
    expect(newest().received).toContain(`GET /${n} `);
    await newest().says(answer(n));
  }
  expect(browser.received).toBe(["1", "2", "3"].map((n) => answer(n)).join(""));
  expect(streams).toHaveLength(1);
});

test("a stream that has rested for a while is given up, and the client's connection kept", async () => {
  const { client, streams, newest, clock } = rig();
  const browser = await client().sends(GET);
  await newest().says(answer("1"));
  clock.advance(2_900);
  expect(newest().resetBy).toBeUndefined();
  clock.advance(200);
  expect(newest().resetBy).toBe("cancelled");
  await browser.sends(GET);
  await newest().says(answer("2"));
  expect(browser.received).toBe(answer("1") + answer("2"));
  expect(streams).toHaveLength(2);
});

test("what the site closes while it rests is replaced by the next request", async () => {
  const { client, streams, newest } = rig();
  const browser = await client().sends(GET);
  await newest().says(answer("1"));
  await newest().closes();
  expect(browser.ending).toBeUndefined();
  await browser.sends(GET);
  expect(streams).toHaveLength(2);
});

test.each(["GET", "HEAD", "OPTIONS"])(
  "%s is asked again when a stream that was kept turns out to be closed",
  async (method) => {
    const { client, streams, newest } = rig();
    const browser = await client().sends(GET);
    await newest().says(answer("1"));
    await browser.sends(request(`${method} /2`));
    await newest().closes();
    expect(streams).toHaveLength(2);
    expect(newest().received).toMatch(new RegExp(`^${method} /2 `));
    await newest().closes();
    expect(streams).toHaveLength(2);
    expect(browser.received.slice(answer("1").length)).toMatch(/^HTTP\/1.1 502 /);
  },
);

test("what is not safe to ask twice is not", async () => {
  const { client, streams, newest } = rig();
  const central = await client().sends(GET);
  await newest().says(answer("1"));
  await central.sends(`${request("POST /2", "Content-Length: 1")}x`);
  await newest().closes();
  expect(streams).toHaveLength(1);
  expect(central.received).toMatch(
    /502 Bad Gateway[\s\S]*\r\n\r\nFarsite: the site's web server closed the connection without an answer\n$/,
  );
});

test("a body passes piece by piece, and waits for the site as long as that takes no more", async () => {
  const { client, newest } = rig();
  const central = client();
  const head = request("POST /acme/check_mk/automation.py?command=ping", "Content-Length: 10");
  await central.sends(`${head}12`);
  newest().full = true;
  await central.sends("34");
  expect(newest().received).toMatch(/\r\n\r\n1234$/);
  expect(central.isPaused()).toBe(true);
  await newest().drains();
  expect(central.isPaused()).toBe(false);
  await central.sends("567890");
  expect(newest().received).toMatch(/\r\n\r\n1234567890$/);
});

test("what follows a body is the next request, wherever it is cut", async () => {
  const first = `${request("POST /1", "Transfer-Encoding: chunked")}5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n`;
  const second = `${request("POST /2", "Content-Length: 3")}abc`;
  const bytes = first + second;
  for (let cut = 1; cut < bytes.length; cut++) {
    const { client, newest, streams } = rig();
    const browser = client();
    await browser.sends(bytes.slice(0, cut));
    await browser.sends(bytes.slice(cut));
    expect(newest().received).toMatch(/^POST \/1 [\s\S]*\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n$/);
    await newest().says(answer("1"));
    expect(newest().received).toMatch(/\r\n\r\nPOST \/2 [\s\S]*\r\n\r\nabc$/);
    await newest().says(answer("2"));
    expect(browser.received).toBe(answer("1") + answer("2"));
    expect(streams).toHaveLength(1);
  }
});

test("an answer is the same wherever it is cut", async () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const said = `HTTP/1.1 100 Continue\r\n\r\n${chunked}`;
  for (let cut = 1; cut < said.length; cut++) {
    const { client, newest } = rig();
    const browser = await client().sends(GET);
    await newest().says(said.slice(0, cut));
    await newest().says(said.slice(cut));
    expect(browser.received).toBe(said);
    expect(newest().credited).toBe(said.length);
    await browser.sends(GET);
    expect(newest().received.match(/^GET/gm)).toHaveLength(2);
  }
});

test.each([
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"],
  ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"],
])("%s with an answer without a body ends behind its head: %j", async (method, said) => {
  const { client, newest } = rig();
  const browser = await client().sends(request(`${method} /1`));
  await newest().says(said);
  expect(browser.received).toBe(said);
  await browser.sends(request("GET /2"));
  expect(newest().received).toContain("GET /2 ");
});

test("an answer without a length ends with the connection, at both ends", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(GET);
  await newest().says("HTTP/1.1 200 OK\r\n\r\nall of");
  await newest().says(" it");
  expect(browser.ending).toBeUndefined();
  await newest().closes();
  expect(browser.received).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
  expect(browser.ending).toBe("ended");
});

test("an answer without a length that is broken off cannot be taken for all of it", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(GET);
  await newest().says("HTTP/1.1 200 OK\r\n\r\nhalf of");
  await newest().breaks();
  expect(browser.ending).toBe("reset");
});

test.each(["closes", "breaks"] as const)(
  "an answer whose rest does not come is broken off: the site %s",
  async (how) => {
    const { client, newest } = rig();
    const browser = await client().sends(GET);
    await newest().says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    await newest()[how]();
    expect(browser.ending).toBe("reset");
    expect(browser.received).toMatch(/12345$/);
  },
);

test("HTTP/1.0 is answered once, and asked of the site as such", async () => {
  const { client, newest } = rig();
  const old = await client().sends("GET /acme/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  expect(newest().received).toBe(
    "GET /acme/ HTTP/1.0\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n",
  );
  await newest().says(answer("all"));
  expect(old.received).toMatch(/^HTTP\/1.1 200 OK[\s\S]*\r\nConnection: close\r\n\r\nall$/);
  expect(old.ending).toBe("ended");
});

test("Connection: close ends both connections behind the answer", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(request("GET /", "Connection: close") + GET);
  expect(newest().received).toMatch(/\r\nConnection: close\r\n\r\n$/);
  await newest().says(answer("all"));
  expect([browser.ending, newest().resetBy]).toEqual(["ended", "cancelled"]);
  expect(newest().received.match(/^GET/gm)).toHaveLength(1);
});

test("a client that ends its side still gets its answer", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(GET);
  await browser.halfCloses();
  expect(browser.ending).toBeUndefined();
  await newest().says(answer("late"));
  expect([browser.received, browser.ending]).toEqual([answer("late"), "ended"]);
});

test("a client that goes away takes its request along", async () => {
  const { client, newest, gone } = rig();
  const browser = await client().sends(`${request("POST /", "Content-Length: 10")}123`);
  await browser.leaves();
  expect(newest().resetBy).toBe("cancelled");
  expect(gone).toEqual([browser]);
});

test("a client that ends its side in the middle of a body leaves no server waiting for the rest", async () => {
  const { client, newest, clock } = rig();
  const killed = await client().sends(`${request("POST /", "Content-Length: 10")}123`);
  await killed.halfCloses();
  expect(newest().resetBy).toBe("cancelled");
  expect(killed.received).toMatch(
    /^HTTP\/1.1 400 [\s\S]*\r\n\r\nFarsite: the client ended before its request/,
  );
  expect(killed.ending).toBe("ended");
  clock.advance(2_100);
  expect(killed.destroyed).toBe(true);
});

test("a client that ends its side in the middle of a body, but is being answered, gets the answer", async () => {
  const { client, newest } = rig();
  const central = await client().sends(`${request("POST /", "Content-Length: 10")}123`);
  await newest().says(answer("too large", "413 Payload Too Large").slice(0, -4));
  await central.halfCloses();
  expect(newest().resetBy).toBeUndefined();
  await newest().says("arge");
  expect(central.received).toMatch(/too large$/);
  expect(central.ending).toBe("ended");
});

test("who is answered before all was sent gets that answer, and what still comes is thrown away", async () => {
  const { client, newest, clock } = rig();
  const central = await client().sends(`${request("POST /", "Content-Length: 1000000")}123`);
  await newest().says(answer("too large", "413 Payload Too Large"));
  expect(central.received).toMatch(/^HTTP\/1.1 413 [\s\S]*\r\nConnection: close\r\n\r\ntoo large$/);
  expect([central.ending, newest().resetBy]).toEqual(["ended", "cancelled"]);
  for (let i = 0; i < 10; i++) {
    await central.sends("x".repeat(1000));
    clock.advance(1_500);
  }
  expect([central.destroyed, central.isPaused()]).toEqual([false, false]);
  clock.advance(2_100);
  expect(central.destroyed).toBe(true);
});

test("a client that sends for ever after its answer is left in the end", async () => {
  const { client, newest, clock } = rig();
  const central = await client().sends(`${request("POST /", "Content-Length: 1000000")}123`);
  await newest().says(answer("no", "403 Forbidden"));
  for (let i = 0; i < 31 && !central.destroyed; i++) {
    await central.sends("x");
    clock.advance(1_000);
  }
  expect(central.destroyed).toBe(true);
});

test("100 Continue reaches the client that waits for it, not one of HTTP/1.0", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(request("POST /", "Content-Length: 2", "Expect: 100-continue"));
  expect(newest().received).toContain("\r\nExpect: 100-continue\r\n");
  await newest().says("HTTP/1.1 100 Continue\r\n\r\n");
  expect(browser.received).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  await browser.sends("ok");
  await newest().says(answer("done"));
  expect(browser.received).toMatch(/done$/);
  expect(browser.received).not.toContain("close");

  const old = await client().sends("GET / HTTP/1.0\r\n\r\n");
  await newest().says(`HTTP/1.1 103 Early Hints\r\n\r\n${answer("done")}`);
  expect(old.received).toMatch(/^HTTP\/1.1 200 OK/);
});

test("after 101 bytes pass as they are, both ways", async () => {
  const { client, newest, gone } = rig();
  const browser = await client().sends(
    request("GET /ws", "Connection: keep-alive, Upgrade", "Upgrade: websocket"),
  );
  expect(newest().received).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
  await newest().says(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01a",
  );
  expect(browser.received).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x01a",
  );
  await browser.sends("GET no request\n\n");
  expect(newest().received).toMatch(/\r\n\r\nGET no request\n\n$/);
  await newest().says("\r\nno answer");
  expect(browser.received).toMatch(/\r\nno answer$/);
  await newest().closes();
  await browser.halfCloses();
  expect([browser.ending, gone]).toEqual(["ended", [browser]]);
});

test("101 that nobody asked for is refused, and HTTP/2 is never asked for", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(
    request("GET /", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
  );
  expect(newest().received).not.toMatch(/upgrade|http2/i);
  await newest().says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
  expect(browser.received).toMatch(/^HTTP\/1.1 502 /);
});

test("TLS passes byte for byte", async () => {
  const { client, newest } = rig();
  const browser = await client().sends(Buffer.from("\x16\x03\x01GET / HTTP/1.1\n\n", "latin1"));
  expect(newest().received).toBe("\x16\x03\x01GET / HTTP/1.1\n\n");
  await newest().says("\x16\x03\x03");
  expect(browser.received).toBe("\x16\x03\x03");
});

test("TLS to a site that is away is broken off at once", async () => {
  const { client, facts, streams } = rig();
  facts.full = true;
  const browser = await client().sends("\x16\x03\x01");
  expect([browser.ending, streams]).toEqual(["reset", []]);
});

test("an answer waits for a client that does not read, and the site for both", async () => {
  const { client, newest } = rig();
  const browser = client();
  await browser.sends(request("GET /1"));
  browser.blocking = true;
  const body = "x".repeat(100_000);
  const said = answer(body);
  await newest().says(said);
  expect(newest().credited).toBe(said.length - body.length);
  // nor is the next request begun before this answer is out
  await browser.sends(request("GET /2"));
  expect(newest().received.match(/^GET/gm)).toHaveLength(1);
  browser.unblock();
  await newest().says("");
  expect(newest().credited).toBe(said.length);
  expect(newest().received.match(/^GET/gm)).toHaveLength(2);
});

test("what the site says unasked ends the stream, and is nobody's answer", async () => {
  const { client, newest, streams } = rig();
  const browser = await client().sends(GET);
  await newest().says(answer("1") + answer("for whom?"));
  expect([browser.received, newest().resetBy]).toEqual([answer("1"), "cancelled"]);
  await browser.sends(GET);
  await newest().says(answer("2"));
  await newest().says(answer("late"));
  expect([browser.received, newest().resetBy]).toEqual([answer("1") + answer("2"), "cancelled"]);
  expect(streams).toHaveLength(2);
});
