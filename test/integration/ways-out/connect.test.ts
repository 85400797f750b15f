/** The conversation with a proxy: what the agent says in it, and what it takes. */
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { parseChallenges } from "../../../agent/route/challenge.ts";
import { connectThrough } from "../../../agent/route/connect.ts";
import { answerDigest } from "../../../agent/route/digest.ts";
import { MAX_HEAD } from "../../../agent/route/head.ts";
import { parseProxy } from "../../../agent/route/proxy.ts";
import { limitOf } from "../../../agent/route/step.ts";
import { systemClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { systemRandom } from "../../../common/random.ts";
import { VERSION } from "../../../common/version.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { box } from "./middlebox.ts";

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const TARGET = { host: "hub.example", port: 443 };
const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

/** A proxy that answers its n-th request, of all connections, with what `answers` says; then it echoes. */
async function proxy(...answers: (string | Answer)[]): Promise<{ requests: Request[]; port: number }> {
  const requests: Request[] = [];
  let connection = 0;
  const { port } = await box(cleanup, (socket) => {
    const own = ++connection;
    let text = "";
    const onData = (chunk: Buffer): void => {
      if (!socket.writable) return; // it has ended: nothing more is heard
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) return;
      const [line = "", ...fields] = text.slice(0, end).split("\r\n");
      text = text.slice(end + 4);
      requests.push({ connection: own, line, fields });
      const answer = answers[requests.length - 1] ?? "HTTP/1.1 500 Too Much\r\n\r\n";
      if (typeof answer === "string") socket.write(answer);
      else answer(socket);
      if (/^HTTP\/1.1 2/.test(String(answer))) {
        socket.off("data", onData);
        socket.pipe(socket);
      }
    };
    socket.on("data", onData);
  });
  return { requests, port };
}

type Answer = (socket: Socket) => void;
interface Request {
  connection: number;
  line: string;
  fields: string[];
}

/** The credentials of a request. */
const credentials = ({ fields }: Request): string | undefined =>
  fields.find((field) => field.startsWith("Proxy-Authorization: "))?.slice("Proxy-Authorization: ".length);

function challenge(fields: string | readonly string[], more = "Content-Length: 3\r\n\r\nno!"): string {
  const lines = [fields].flat().map((field) => `Proxy-Authenticate: ${field}\r\n`);
  return `HTTP/1.1 407 Proxy Authentication Required\r\n${lines.join("")}${more}`;
}

const DIGEST = 'Digest realm="r", nonce="one", qop="auth", algorithm=SHA-256';

function through(port: number, login = "monitoring:secret@", timeout = 5000): Promise<Socket> {
  return connectThrough(parseProxy(`http://${login}127.0.0.1:${port}`, "HTTPS_PROXY"), TARGET, {
    random: systemRandom,
    limit: limitOf(systemClock, timeout),
    ca: undefined,
  });
}

/** The code that it fails with. */
async function failure(port: number, login?: string, timeout?: number): Promise<string> {
  try {
    const socket = await through(port, login, timeout);
    socket.destroy();
    return "connected";
  } catch (error) {
    return error instanceof FarsiteError ? error.code : String(error);
  }
}

/** Whether what is sent comes back, and nothing else. */
async function echoes(socket: Socket): Promise<boolean> {
  cleanup.add("close a socket", () => void socket.destroy());
  const back = new Promise<string>((resolve) =>
    socket.once("data", (chunk: Buffer) => resolve(String(chunk))),
  );
  socket.write("hello");
  socket.resume();
  return (await back) === "hello";
}

test("the request is CONNECT with host and port, and no credentials unasked", async () => {
  const { requests, port } = await proxy(ESTABLISHED);
  expect(await echoes(await through(port))).toBe(true);
  expect(requests).toEqual([
    {
      connection: 1,
      line: "CONNECT hub.example:443 HTTP/1.1",
      fields: ["Host: hub.example:443", `User-Agent: farsite-agent/${VERSION}`],
    },
  ]);
});

describe("asked to authenticate", () => {
  test("it answers Basic on the same connection, after the page", async () => {
    const { requests, port } = await proxy(challenge('Basic realm="r"'), ESTABLISHED);
    expect(await echoes(await through(port))).toBe(true);
    expect(requests.map((each) => [each.connection, credentials(each)])).toEqual([
      [1, undefined],
      [1, `Basic ${Buffer.from("monitoring:secret").toString("base64")}`],
    ]);
  });

  test.each([
    ["the strongest Digest", [DIGEST.replace("SHA-256", "MD5"), 'Basic realm="r"', DIGEST]],
    ["the one Digest of a list in one field", [`Negotiate, Basic realm="r", ${DIGEST}, NTLM`]],
    ["Digest, what it cannot answer aside", [DIGEST.replace("SHA-256", "SHA-512-256"), DIGEST]],
  ])("it answers %s", async (_, fields) => {
    const { requests, port } = await proxy(challenge(fields), ESTABLISHED);
    (await through(port)).destroy();
    const given = credentials(requests[1] as Request) ?? "";
    const [sent] = parseChallenges(given) ?? [];
    const [asked] = parseChallenges(DIGEST) ?? [];
    expect(asked).toBeDefined();
    expect(given).toBe(
      answerDigest(asked as NonNullable<typeof asked>, {
        method: "CONNECT",
        uri: "hub.example:443",
        user: "monitoring",
        password: "secret",
        cnonce: sent?.params.get("cnonce") ?? "",
      }),
    );
    expect(sent?.params.get("cnonce")).toMatch(/^[\da-f]{32}$/);
  });

  test("it answers once more when only the nonce was too old, and not twice", async () => {
    const stale = DIGEST.replace('"one"', '"two", stale=TRUE');
    const good = await proxy(challenge(DIGEST), challenge(stale), ESTABLISHED);
    (await through(good.port)).destroy();
    expect(credentials(good.requests[2] as Request)).toContain('nonce="two"');
    const endless = await proxy(...Array.from({ length: 9 }, () => challenge(stale)));
    expect(await failure(endless.port)).toBe("E_PROXY_AUTH_WRONG");
    expect(endless.requests).toHaveLength(3);
  });

  test("it does not fall back to Basic when its Digest is refused", async () => {
    const both = challenge([DIGEST, 'Basic realm="r"']);
    const { requests, port } = await proxy(both, both, ESTABLISHED);
    expect(await failure(port)).toBe("E_PROXY_AUTH_WRONG");
    expect(requests.map((each) => credentials(each)?.split(" ")[0])).toEqual([undefined, "Digest"]);
  });

  test("and then refused with 401, it gives up", async () => {
    const { port } = await proxy(challenge('Basic realm="r"'), "HTTP/1.1 401 Unauthorized\r\n\r\n");
    expect(await failure(port)).toBe("E_PROXY_AUTH_WRONG");
  });

  test("it gives no credentials when it has none", async () => {
    const { requests, port } = await proxy(challenge(DIGEST), ESTABLISHED);
    expect(await failure(port, "")).toBe("E_PROXY_AUTH_WANTED");
    expect(requests).toHaveLength(1);
  });

  test.each([
    ["that says so", challenge('Basic realm="r"', "Connection: close\r\nContent-Length: 0\r\n\r\n")],
    ["of HTTP/1.0", challenge('Basic realm="r"').replace("HTTP/1.1", "HTTP/1.0")],
    ["whose page has no length", challenge('Basic realm="r"', "\r\n")],
    ["whose page is in chunks", challenge('Basic realm="r"', "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")],
    ["whose page is very long", challenge('Basic realm="r"', "Content-Length: 999999\r\n\r\n")],
    [
      "whose page has two lengths",
      challenge('Basic realm="r"', "Content-Length: 0\r\nContent-Length: 3\r\n\r\n"),
    ],
    ["whose page is longer than it says", challenge('Basic realm="r"', "Content-Length: 1\r\n\r\nno!")],
    ["that closes, although it did not say so", (socket: Socket) => socket.end(challenge('Basic realm="r"'))],
    [
      "that closes in the middle of the page",
      (socket: Socket) => socket.end(challenge('Basic realm="r"', "Content-Length: 99\r\n\r\nno!")),
    ],
  ])("a connection %s is not used again: a new one is made", async (_, first) => {
    const { requests, port } = await proxy(first, ESTABLISHED);
    expect(await echoes(await through(port))).toBe(true);
    expect(requests.map((each) => each.connection)).toEqual([1, 2]);
  });
});

test("interim answers are skipped, and an answer may come byte by byte", async () => {
  const { port } = await proxy((socket) => {
    const text = `HTTP/1.1 102 Processing\r\nA: b\r\n\r\n${ESTABLISHED}`;
    let at = 0;
    const next = () => {
      if (at === text.length) return void socket.removeAllListeners("data").pipe(socket);
      socket.write(text[at++] as string);
      setImmediate(next);
    };
    next();
  });
  expect(await echoes(await through(port))).toBe(true);
});

describe("it takes no answer that", () => {
  test.each<[string, string | Answer, string]>([
    ["is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "E_PROXY_PROTOCOL"],
    ["is of another version", "HTTP/2 200 OK\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["has no status", "HTTP/1.1 OK\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["has a field without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["has a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["has a control character in a field", "HTTP/1.1 200 OK\r\nA: \x07\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "E_PROXY_PROTOCOL"],
    ["brings more than the answer", `${ESTABLISHED}GET / HTTP/1.1\r\n`, "E_PROXY_PROTOCOL"],
    ["has a malformed challenge", challenge('realm="r"'), "E_PROXY_PROTOCOL"],
    ["has no challenge", "HTTP/1.1 407 No\r\n\r\n", "E_PROXY_AUTH_SCHEME"],
    ["has a head without end", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(MAX_HEAD / 6)}`, "E_PROXY_PROTOCOL"],
    ["has a line without end", `HTTP/1.1 200 ${"A".repeat(MAX_HEAD)}`, "E_PROXY_PROTOCOL"],
    [
      "has interim answers without end",
      "HTTP/1.1 102 Wait\r\n\r\n".repeat(MAX_HEAD / 20),
      "E_PROXY_PROTOCOL",
    ],
    ["ends in the head", (socket) => socket.end("HTTP/1.1 200 OK\r\n"), "E_PROXY_PROTOCOL"],
    ["breaks off", (socket) => socket.resetAndDestroy(), "E_PROXY_PROTOCOL"],
  ])("%s", async (_, answer, code) => {
    const { port } = await proxy(answer);
    expect(await failure(port)).toBe(code);
  });

  test.each<[string, string]>([
    ["ends never", "HTTP/1.1 200 OK\r\nA: "],
    ["comes never", ""],
  ])("%s, for longer than the limit", async (_, answer) => {
    const { port } = await proxy(answer);
    expect(await failure(port, undefined, 200)).toBe("E_PROXY_TIMEOUT");
  });
});
