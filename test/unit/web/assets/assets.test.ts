import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { accepts, assetsOf, bundledFiles, loadAssets } from "../../../../hub/web/assets/index.ts";
import manifest from "../../../../package.json" with { type: "json" };

const assets = await loadAssets();

test.each(["app.js", "app.css", "plots.js", "plots.css", "icon.svg"])(
  "%s has a name of its own contents, and is kept for good",
  async (source) => {
    const url = assets.url(source);
    expect(url).toMatch(/^\/assets\/[a-z]+-[\w-]{16}\.(js|css|svg)$/);
    const answer = await assets.app.request(url.replace("/assets", ""));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect((await answer.text()).length).toBeGreaterThan(100);
  },
);

test("other contents have another name", () => {
  const named = (text: string) => {
    const built = [{ source: "a.js", name: `a-${Bun.hash(text)}.js`, text }];
    return assetsOf(built, []).url("a.js");
  };
  expect(named("1")).not.toBe(named("2"));
});

test.each([
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip, deflate", "gzip"],
  ["zstd;q=0, gzip", "gzip"],
  ["identity", null],
])("with %j it comes as %s", async (header, encoding) => {
  const path = assets.url("app.js").replace("/assets", "");
  const [packed, plain] = await Promise.all([
    assets.app.request(path, { headers: { "accept-encoding": header } }),
    assets.app.request(path),
  ]);
  expect(packed.headers.get("content-encoding")).toBe(encoding);
  expect(packed.headers.get("vary")).toBe("accept-encoding");
  const bytes = Buffer.from(await packed.arrayBuffer());
  const open =
    encoding === "zstd" ? zstdDecompressSync(bytes) : encoding === "gzip" ? gunzipSync(bytes) : bytes;
  expect(open.equals(Buffer.from(await plain.arrayBuffer()))).toBe(true);
});

test("what is not there is not found", async () => {
  for (const name of ["app.js", "nothing", "..%2fbundle.ts"])
    expect((await assets.app.request(`/${name}`)).status).toBe(404);
  expect(() => assets.url("nothing.js")).toThrow("there is no asset nothing.js");
});

test.each([
  ["gzip;q=0", false],
  ["gzip;q=0.000", false],
  ["gzip;q=0.5", true],
  ["x-gzip", false],
  ["", false],
  ["GZIP", true],
])("%j takes gzip: %s", (header, taken) => {
  expect(accepts(header, "gzip")).toBe(taken);
});

test("everything that the hub is made with is told with its licence", () => {
  const told = new Map(assets.licences.map((each) => [each.name, each]));
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect(told.get(name)).toMatchObject({ version, licence: expect.stringMatching(/\w/) });
});

test("scripts and styles load nothing from elsewhere", async () => {
  for (const source of ["app.js", "plots.js", "app.css", "plots.css"]) {
    const text = await (await assets.app.request(assets.url(source).replace("/assets", ""))).text();
    expect(text.match(/https?:\/\/(?!www\.w3\.org)[^\s"')]+/g) ?? []).toEqual([]);
    expect(text).not.toMatch(/\beval\(|new Function\(/);
  }
});

test("it is known whose work browsers get", () => {
  const files = bundledFiles();
  expect(files).toContain("client/app.ts");
  expect(files.some((file) => file.includes("node_modules/uplot/"))).toBe(true);
});
