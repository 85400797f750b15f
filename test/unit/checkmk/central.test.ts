import { describe, expect, test } from "vitest";
import { type Fetch, LARGEST_ANSWER } from "../../../hub/checkmk/rest/central.ts";
import { API, problem, SECRET, TestCentral, USER } from "../../lab/central.ts";
import { client, failure } from "./rig.ts";

const URL_HINT = expect.stringContaining("--url must be that of the REST API");
const answers =
  (response: () => Response): Fetch =>
  async () =>
    response();
const html = (status: number, headers = {}) =>
  new Response("<html><title>Checkmk</title>", {
    status,
    headers: { "content-type": "text/html", ...headers },
  });
const broken =
  (name: string, code: string): Fetch =>
  async () => {
    throw Object.assign(new Error(`the words of the runtime, ${SECRET}`), { name, code });
  };

test("a request proves who asks, and follows nowhere", async () => {
  const seen: [string, BunFetchRequestInit][] = [];
  const central = new TestCentral();
  const watched: Fetch = (url, init) => {
    seen.push([url, init]);
    return central.fetch(url, init);
  };
  expect(await client(watched, { ca: "PEM" }).version()).toEqual({ checkmk: "2.4.0p3", managed: false });
  const [url, init] = seen[0] ?? [];
  expect(url).toBe(`https://central.example${API}/version`);
  expect(init).toMatchObject({ method: "GET", redirect: "manual", tls: { ca: "PEM" } });
  expect(init?.headers).toMatchObject({ authorization: `Bearer ${USER} ${SECRET}` });
});

test.each(["cme", "managed", "ultimatemt"])("the edition %s belongs to customers", async (edition) => {
  expect(await client(new TestCentral({ edition }).fetch).version()).toMatchObject({ managed: true });
});

describe("an answer that is none", () => {
  test.each([
    ["a login page", () => html(200), "E_CHECKMK_ANSWER", "it sends text/html, not JSON", URL_HINT],
    [
      "the way to a login page",
      () => html(302, { location: "/central/check_mk/login.py?_origtarget=x" }),
      "E_CHECKMK_ANSWER",
      "redirects to /central/check_mk/login.py",
      URL_HINT,
    ],
    ["no such API", () => html(404), "E_CHECKMK_ANSWER", "knows nothing of its release", URL_HINT],
    [
      "a stopped site",
      () => html(503),
      "E_CHECKMK_ANSWER",
      "HTTP 503",
      expect.stringContaining("omd status"),
    ],
    ["a fault", () => html(500), "E_CHECKMK_ANSWER", "HTTP 500", expect.stringContaining("web.log")],
    [
      "the web server's login",
      () => html(401),
      "E_CHECKMK_AUTH",
      "does not accept",
      expect.stringContaining("--user"),
    ],
    [
      "a user without rights",
      () => problem(403, "Forbidden", "wato.sites"),
      "E_CHECKMK_AUTH",
      "Forbidden: wato.sites",
      expect.stringContaining("permission for distributed monitoring"),
    ],
    [
      "other JSON",
      () => Response.json({ versions: [] }),
      "E_CHECKMK_ANSWER",
      "not what its REST API promises",
      undefined,
    ],
    ["nothing", () => new Response(""), "E_CHECKMK_ANSWER", "not JSON", URL_HINT],
  ])("%s", async (_, response, code, says, hint) => {
    const error = await failure(client(answers(response)).version());
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
    expect(error.hint).toEqual(hint);
  });

  test("without end is not read to its end", async () => {
    let sent = 0;
    let stopped = false;
    const body = new ReadableStream({
      pull(controller) {
        sent += 1 << 20;
        controller.enqueue(new Uint8Array(1 << 20));
      },
      cancel() {
        stopped = true;
      },
    });
    const error = await failure(client(answers(() => new Response(body))).version());
    expect(error).toMatchObject({
      code: "E_CHECKMK_ANSWER",
      message: expect.stringContaining("longer than 32 MiB"),
    });
    expect(stopped).toBe(true);
    expect(sent).toBeLessThan(LARGEST_ANSWER + (8 << 20));
  });
});

describe("what the other side says", () => {
  test("is told with its fields, in lines that cannot be forged, and never with the secret", async () => {
    const fields = { site_config: { a: { b: ["no\u001b[31m good", SECRET] }, "c\nd": "x".repeat(9_999) } };
    const refused = answers(() => problem(400, "Bad\r\nRequest", `${SECRET} is wrong`, fields));
    const error = await failure(client(refused).version());
    expect(error.message).toBe("the central site refuses its release: Bad??Request: *** is wrong");
    expect(error.hint?.split("\n").slice(0, 2)).toEqual([
      "site_config.a.b: no?[31m good",
      "site_config.a.b: ***",
    ]);
    expect(error.hint).toMatch(/\nsite_config\.c\?d: x{250,300}$/);
  });

  test("is cut where it is deep or long", async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`) as unknown;
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, ["no"]]));
    const error = await failure(client(answers(() => problem(400, "", "", { deep, ...wide }))).version());
    expect(error.hint?.split("\n")).toHaveLength(12);
    expect(error.hint).not.toContain("deep");
  });

  test("of another kind than promised is left out", async () => {
    const odd = answers(() => Response.json({ title: 1, detail: {}, fields: "all" }, { status: 400 }));
    expect((await failure(client(odd).version())).message).toBe("the central site refuses its release");
  });
});

describe("a central site that cannot be reached", () => {
  test.each([
    ["Error", "ECONNREFUSED", "E_CHECKMK_UNREACHABLE", "cannot be reached"],
    ["Error", "ECONNRESET", "E_CHECKMK_UNREACHABLE", "cannot be reached"],
    ["TimeoutError", "23", "E_CHECKMK_UNREACHABLE", "did not answer within 60 s"],
    ["Error", "DEPTH_ZERO_SELF_SIGNED_CERT", "E_CHECKMK_TLS", "is not trusted"],
    ["Error", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "E_CHECKMK_TLS", "is not trusted"],
    ["Error", "CERT_HAS_EXPIRED", "E_CHECKMK_TLS", "is not trusted"],
    ["Error", "ERR_TLS_CERT_ALTNAME_INVALID", "E_CHECKMK_TLS", "is not trusted"],
  ])("%s %s", async (name, code, expected, says) => {
    const error = await failure(client(broken(name, code)).version());
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining(says) });
    expect(error.message).not.toContain(SECRET);
    if (expected === "E_CHECKMK_TLS") expect(error.hint).toContain("--ca-file");
  });

  test("in the middle of an answer", async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"versions"'));
        controller.error(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
      },
    });
    const error = await failure(client(answers(() => new Response(body))).version());
    expect(error.code).toBe("E_CHECKMK_UNREACHABLE");
  });
});
