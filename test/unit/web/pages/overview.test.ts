import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { madeSite, madeSites, madeSpark } from "./made.ts";
import { assets, inlineIn, pagesRig } from "./rig.ts";

interface Shown {
  key: string;
  hidden: boolean;
  text: string;
}

/** The rows of the table, in their order. */
async function rowsIn(html: string): Promise<Shown[]> {
  const rows: Shown[] = [];
  const rewriter = new HTMLRewriter().on("tr[data-key]", {
    element(element) {
      rows.push({
        key: element.getAttribute("data-key") ?? "",
        hidden: element.hasAttribute("hidden"),
        text: "",
      });
    },
    text({ text }) {
      const last = rows.at(-1);
      if (last) last.text += text;
    },
  });
  await rewriter.transform(new Response(html)).text();
  return rows;
}

async function overview(path: string, sites = madeSites(30)) {
  const answer = await pagesRig({ sites: async () => sites }).get(path);
  const html = await answer.text();
  const rows = await rowsIn(html);
  return { answer, html, rows, shown: rows.filter(({ hidden }) => !hidden).map(({ key }) => key) };
}

test("each site is told with state, reason, versions and queue", async () => {
  const { rows } = await overview("/", [madeSite(3), madeSite(4), madeSite(11)]);
  const texts = Object.fromEntries(rows.map(({ key, text }) => [key, text]));
  expect(texts["tenant-000/gent_4"]).toContain("dead");
  expect(texts["tenant-000/gent_4"]).toContain("stopped: [Errno 111] Connection refused");
  expect(texts["tenant-000/oslo_3"]).toContain("Check_MK 2.3.0p34, 59 hosts, 793 services");
  expect(texts["tenant-000/oslo_3"]).toContain("held");
  expect(texts["tenant-000/porto_11"]).toContain("0.0.9update");
});

test("what is wrong comes first: within a tenant, and of tenants", async () => {
  const sites = [madeSite(0), madeSite(1), madeSite(4), madeSite(12), madeSite(13)];
  const { rows } = await overview("/", sites.reverse());
  expect(rows.map(({ key }) => key)).toEqual([
    "tenant-000/gent_4",
    "tenant-000/berlin_0",
    "tenant-000/wien_1",
    "tenant-001/wien_13",
    "tenant-001/berlin_12",
  ]);
});

test.each([
  ["/?show=trouble", ["tenant-000/gent_4", "tenant-001/wien_13", "tenant-001/gent_22"]],
  ["/?show=down", ["tenant-001/wien_13"]],
  ["/?q=REFUSED+tenant-000", ["tenant-000/gent_4"]],
  ["/?q=gent_&tenant=tenant-001", ["tenant-001/gent_22", "tenant-001/gent_16"]],
  ["/?tenant=nowhere", []],
])("%s shows what is chosen", async (path, keys) => {
  const { shown, rows } = await overview(path);
  expect(shown).toEqual(keys);
  // the rest is there, for the script to show
  expect(rows).toHaveLength(30);
});

test("in one list they are sorted by what is chosen, either way", async () => {
  const up = await overview("/?group=none&sort=rtt");
  const down = await overview("/?group=none&sort=rtt&dir=down");
  const known = (keys: string[]) => keys.filter((key) => !/_(13|22)$/.test(key));
  expect(known(down.shown)).toEqual(known(up.shown).toReversed());
  expect(up.html).toMatch(/class="c-rtt" aria-sort="ascending"/);
});

test.each(["/?show=nothing", "/?sort=secret", "/?dir=sideways", `/?q=${"x".repeat(201)}`])(
  "what cannot be chosen is refused: %s",
  async (path) => {
    expect((await overview(path)).answer.status).toBe(400);
  },
);

test("without sites there is a way to add one, for those who may", async () => {
  expect((await overview("/", [])).html).toContain('href="/add"');
  const viewer = pagesRig({ sites: async () => [] }, ["see"]);
  expect(await (await viewer.get("/")).text()).not.toContain('href="/add"');
});

test("a thousand sites are less than 300 kB with everything that the page needs", async () => {
  const sites = madeSites(1_000);
  const sparks = new Map(sites.map(({ tenant, site }, at) => [`${tenant}/${site}`, madeSpark(at)]));
  const rig = pagesRig({ sites: async () => sites, sparks: async () => sparks });
  const sizes = await Promise.all(
    ["gzip", "zstd"].map(async (encoding) => {
      const headers = { "accept-encoding": encoding };
      const paths = ["/", ...["app.js", "app.css", "icon.svg"].map((source) => assets.url(source))];
      const answers = await Promise.all(paths.map((path) => rig.get(path, headers)));
      for (const answer of answers) expect(answer.headers.get("content-encoding")).toBe(encoding);
      const bodies = await Promise.all(answers.map((answer) => answer.arrayBuffer()));
      return bodies.reduce((sum, { byteLength }) => sum + byteLength, 0);
    }),
  );
  for (const size of sizes) expect(size).toBeLessThan(300_000);
});

test("a page is packed for who asks from this hub, and not where another site made the browser ask", async () => {
  const rig = pagesRig({ sites: async () => madeSites(50) });
  const ask = (site?: string) =>
    rig.get("/", { "accept-encoding": "zstd", ...(site && { "sec-fetch-site": site }) });
  for (const site of [undefined, "same-origin", "none"]) {
    const answer = await ask(site);
    expect(answer.headers.get("content-encoding")).toBe("zstd");
    const html = zstdDecompressSync(Buffer.from(await answer.arrayBuffer())).toString();
    expect(html).toContain("</html>");
    expect(await inlineIn(html)).toEqual([]);
  }
  for (const site of ["cross-site", "same-site"]) {
    const answer = await ask(site);
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(await answer.text()).toContain("</html>");
  }
});
