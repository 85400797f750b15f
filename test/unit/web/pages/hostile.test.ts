/** Text of unknown hands on every page: it is shown, and does nothing. */
import { expect, test } from "vitest";
import { FarsiteError } from "../../../../common/errors.ts";
import { madeSite, NOW } from "./made.ts";
import { inlineIn, look, pagesRig } from "./rig.ts";

const EVIL = `"'><script src=//evil.example></script><img src=x onerror=alert(1)>&amp;`;
/** What stands in a page when it was not made harmless. */
const RAW = /<script src=\/\/evil|<img src=x/;

const site = madeSite(4, {
  tenant: EVIL,
  site: EVIL,
  peer: EVIL,
  carrier: EVIL,
  reason: EVIL,
  offers: [EVIL],
  services: [EVIL],
  listens: { [EVIL]: "stream" } as never,
  agent: { version: EVIL, host: EVIL, clockSkew: 99_000 },
  livestatus: { state: "dead", cause: "stopped", reason: EVIL, since: new Date(NOW).toISOString() },
  central: [
    { line: EVIL, target: EVIL, from: EVIL, open: 0, opened: 0, limited: 0, unreachable: 0 },
  ] as never,
  inbox: [
    {
      lane: EVIL,
      waiting: 1,
      bytes: 1,
      received: 1,
      receivedPerMinute: 1,
      refused: 0,
      damaged: 0,
      oldest: undefined,
      problem: EVIL,
      sinks: [
        { sink: EVIL, kind: EVIL, waiting: 1, landed: 0, landedPerMinute: 0, failed: 1, problem: EVIL },
      ],
    },
  ],
});
const details = {
  ...site,
  policy: { commands: [EVIL], tables: [EVIL] },
  syncs: [
    {
      kind: "state",
      command: EVIL,
      time: site.livestatus.since,
      seconds: 1,
      sent: 1,
      received: 1,
      ok: false,
      reason: EVIL,
    },
  ],
};
const record = {
  time: site.livestatus.since,
  who: EVIL,
  from: EVIL,
  action: EVIL,
  tenant: EVIL,
  site: EVIL,
  detail: EVIL,
};
const problem = {
  id: EVIL,
  tenant: EVIL,
  site: EVIL,
  host: EVIL,
  service: EVIL,
  state: "crit",
  output: EVIL,
  since: NOW,
  hard: false,
  attempt: 1,
  attempts: 3,
  ofHost: { state: "up" },
  commandable: true,
};
const counts = { down: 0, crit: 1, unreach: 0, unknown: 0, warn: 0 };
const missing = [{ tenant: EVIL, site: EVIL, reason: EVIL, since: NOW, shown: false }];
const page = {
  problems: [problem],
  total: 1,
  offset: 0,
  counts,
  unhandled: counts,
  missing,
  cut: [{ tenant: EVIL, site: EVIL, more: 3 }],
  asOf: NOW,
};
const token = { id: "1", user: EVIL, name: EVIL, scope: [EVIL], created: NOW, expires: NOW + 1, used: NOW };

const reach = {
  principal: { name: EVIL, role: EVIL, tenants: [EVIL], via: "session", from: EVIL },
  sites: async () => [site],
  site: async () => details,
  tenants: async () => [{ name: EVIL, sites: 1 }],
  endpoints: async () => [
    {
      tenant: EVIL,
      site: EVIL,
      service: EVIL,
      address: EVIL,
      port: 1,
      socket: EVIL,
      state: "failed",
      reason: EVIL,
      clients: 0,
    },
  ],
  audit: async () => [record],
  history: async () => ({
    series: undefined,
    connects: [{ at: NOW, ended: NOW, reason: EVIL, carrier: EVIL, peer: EVIL, resumed: true }],
  }),
  problems: async () => page,
  command: async () => ({ outcome: "refused", reason: EVIL }),
  status: async () => ({
    version: EVIL,
    url: "wss://hub.example",
    since: site.livestatus.since,
    key: EVIL,
    sites: 1,
    connected: 1,
    online: 1,
  }),
  addTenant: async () => {
    throw new FarsiteError("E_NAME", EVIL, EVIL);
  },
  addSite: async () => ({
    tenant: EVIL,
    site: EVIL,
    address: EVIL,
    token: EVIL,
    expires: site.livestatus.since,
  }),
  issueToken: async () => ({
    tenant: EVIL,
    site: EVIL,
    address: EVIL,
    token: EVIL,
    expires: site.livestatus.since,
  }),
  accounts: {
    list: async () => [{ name: EVIL, role: EVIL, tenants: [EVIL], password: false, created: NOW }],
    tokens: async () => [token],
    addToken: async () => ({
      user: EVIL,
      name: EVIL,
      scope: [],
      expires: site.livestatus.since,
      token: EVIL,
    }),
  },
};

const evil = encodeURIComponent(EVIL);
const PAGES = [
  "/",
  `/?q=${evil}&tenant=${evil}&group=none`,
  "/problems",
  `/problems?q=${evil}&tenant=${evil}&site=${evil}`,
  `/sites/${evil}/${evil}`,
  "/add",
  "/audit",
  `/audit?site=${evil}&action=${evil}&tenant=${evil}`,
  "/users",
  "/account",
  "/about",
];

async function harmless(answer: Response, status = 200): Promise<string> {
  const text = await answer.text();
  expect(answer.status).toBe(status);
  expect(text).not.toMatch(RAW);
  expect(await inlineIn(text)).toEqual([]);
  return text;
}

test.each(PAGES)("%s", async (path) => {
  const text = await harmless(await pagesRig(reach).get(path));
  // it is there, all of it
  expect(text).toContain("&gt;&lt;script src=//evil.example&gt;");
});

test.each<[string, Record<string, string>, number]>([
  ["/add", { tenant: "new", name: EVIL, service: EVIL }, 409],
  ["/add", { tenant: EVIL, name: EVIL, service: "http" }, 200],
  [`/sites/${evil}/${evil}/token`, {}, 200],
  ["/account/tokens", { name: EVIL, scope: "see", days: "3" }, 200],
  ["/problems", { do: "recheck", problem: JSON.stringify([EVIL, EVIL, EVIL, EVIL]) }, 200],
  ["/problems", { do: "acknowledge", problem: JSON.stringify([EVIL, EVIL, EVIL]) }, 400],
  [`/sites/${evil}/${evil}/remove`, { confirm: EVIL }, 400],
])("what %s answers to a form", async (path, form, status) => {
  const failing = path.endsWith("/remove")
    ? { removeSite: async () => Promise.reject(new FarsiteError("E_NOT_FOUND", EVIL)) }
    : {};
  await harmless(await pagesRig({ ...reach, ...failing }).post(path, form), status);
});

test("logging in, and failures", async () => {
  const context = { get: () => undefined } as never;
  const problem = new FarsiteError("E_LOGIN", EVIL, EVIL);
  const login = String(await look.login({ next: `/${EVIL}`, problem, provider: EVIL }, context));
  const failure = String(await look.failure({ status: 400, code: EVIL, message: EVIL, hint: EVIL }, context));
  for (const text of [login, failure]) {
    expect(text).not.toMatch(RAW);
    expect(await inlineIn(text)).toEqual([]);
  }
});

test("the check notices what is inline", async () => {
  const bad = `<p style="color:red" onclick="x()"><script>1</script><style>a{}</style><a href=" javascript:x()"></a>`;
  expect(await inlineIn(bad)).toEqual(["p style", "p onclick", "script", "style", "a href= javascript:x()"]);
});
