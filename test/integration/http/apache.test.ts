/** What clients of a site's web server see through the tunnel, with curl before a real Apache. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { curl, run, suite } from "./stage.ts";

interface Shown {
  env: Record<string, string>;
  body: string;
}

await suite("a site's web server through the tunnel", [], (stage) => {
  const show = async (...args: string[]): Promise<Shown> => JSON.parse(await curl(...args));

  test("answers are those of the server itself, with a length, in chunks and without a body", async () => {
    const { url, direct, apache, host } = stage();
    const files = `http://${host}/acme/files`;
    writeFileSync(join(apache.files, "page"), "pages and pages");
    for (const path of ["/bytes.py?n=0", "/bytes.py?n=100000&length", "/bytes.py?n=300000", "/missing"]) {
      const [through, itself] = [await curl(`${url}${path}`), await curl(`${direct}${path}`)];
      expect(through.length).toBeGreaterThan(path.includes("n=0") ? -1 : 100);
      expect(through).toBe(itself);
    }
    expect(await curl("-i", `${url}/nothing.py`)).toMatch(/^HTTP\/1.1 204 No Content\r\n[\s\S]*\r\n\r\n$/);
    const dated = /^Date: .*\r\n/m;
    const heads = await Promise.all([curl("-I", `${files}/page`), curl("-I", `${direct}/../files/page`)]);
    expect(heads[0].replace(dated, "")).toBe(heads[1].replace(dated, ""));
    const tag = /^ETag: (.*)\r$/m.exec(heads[0])?.[1] ?? "";
    expect(await curl("-i", "-H", `If-None-Match: ${tag}`, `${files}/page`)).toMatch(/^HTTP\/1.1 304 /);
    expect(await curl("-r", "2-4", `${files}/page`)).toBe("ges");
  });

  test("one connection serves one request after another, at both ends", async () => {
    const { url, host, hub } = stage();
    const next = ["--next", "-sS", "-w", "%{num_connects} %{http_code}\n"];
    const quiet = [...next, "-o", "/dev/null"];
    const said = await curl(
      ...[...next.slice(2), `${url}/peer.py`, ...quiet, `${url}/bytes.py?n=70000`],
      ...[...quiet, "-I", `http://${host}/acme/files/`, ...quiet, "-d", "x=1", `${url}/show.py`],
      ...[...quiet, `${url}/nothing.py`, ...next, `${url}/peer.py`],
    );
    const [first, ...others] = said.split("\n");
    expect(first).toMatch(/^port \d+ 1 200$/);
    expect(others).toEqual(["0 200", "0 404", "0 200", "0 204", first?.replace(" 1 ", " 0 "), ""]);
    await expect.poll(async () => (await hub.site("acme/main")).streams).toBe(0);
  });

  test("a request has its client's address and host, whatever else is said of them", async () => {
    const { url, host } = stage();
    const { env } = await show(
      ...["-H", "X-Forwarded-For: 192.0.2.7", "-H", "Forwarded: for=1.2.3.4", "-H", "Proxy-Connection: x"],
      ...[
        "-H",
        "Connection: X-Gone",
        "-H",
        "X-Gone: 1",
        "-H",
        "X-Checkmk-Version: 2.3.0p1",
        `${url}/show.py`,
      ],
    );
    expect(env).toMatchObject({
      HTTP_HOST: host,
      HTTP_X_FORWARDED_FOR: "192.0.2.7, 127.0.0.1",
      HTTP_X_FORWARDED_HOST: host,
      HTTP_X_FORWARDED_PORT: "5000",
      HTTP_X_FORWARDED_PROTO: "http",
      HTTP_X_CHECKMK_VERSION: "2.3.0p1",
    });
    expect(Object.keys(env)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/FORWARDED$|GONE|PROXY_CONNECTION/)]),
    );
  });

  test("bodies arrive with a length, in chunks, and after 100 Continue", async () => {
    const { url } = stage();
    expect((await show("-d", "a=1&b=2", `${url}/show.py`)).body).toBe("a=1&b=2");
    const chunked = await show("-H", "Transfer-Encoding: chunked", "-d", "in chunks", `${url}/show.py`);
    expect(chunked.body).toBe("in chunks");
    const { stdout, stderr } = await run([
      ...["curl", "-sSv", "-H", "Expect: 100-continue", "--expect100-timeout", "30"],
      ...["-d", "late", `${url}/show.py`],
    ]);
    expect(stderr).toContain("HTTP/1.1 100 Continue");
    expect(JSON.parse(stdout).body).toBe("late");
  });

  test("HTTP/1.0 gets an answer without chunks, to the end of the connection", async () => {
    const { url } = stage();
    const answer = await curl("-0", "-i", `${url}/bytes.py?n=200000`);
    const [head = "", body] = answer.split("\r\n\r\n", 2);
    expect(head).toMatch(/^HTTP\/1.1 200 OK/);
    expect(head).toMatch(/connection: close/i);
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(body?.length).toBe(200_000);
  });

  test("redirections and cookies stay valid", async () => {
    const { url, host } = stage();
    const login = await curl("-i", "-d", "_login=1", `${url}/login.py`);
    expect(login).toContain("\r\nLocation: index.py\r\n");
    expect(login).toContain(
      "\r\nSet-Cookie: auth_acme=cmkadmin:1:x; HttpOnly; Path=/acme/; SameSite=Lax\r\n",
    );
    const own = await curl("-i", `${url}/login.py?to=http://127.0.0.1:5000/acme/check_mk/`);
    expect(own).toContain(`\r\nLocation: http://${host}/acme/check_mk/\r\n`);
    const other = await curl("-i", `${url}/login.py?to=https://sso.example.com/x`);
    expect(other).toContain("\r\nLocation: https://sso.example.com/x\r\n");
  });

  test("the Unix socket serves the same", async () => {
    const { socket } = stage();
    const { env } = await show("--unix-socket", socket, "http://site.example/acme/check_mk/show.py");
    expect(env).toMatchObject({ HTTP_HOST: "site.example", HTTP_X_FORWARDED_FOR: "127.0.0.1" });
  });
});
