/** Logging in through a real OpenID provider, with a browser that follows where it is sent. */

import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Provider from "oidc-provider";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { makeAuthority } from "../../e2e/certificates.ts";
import { scratch } from "../../unit/registry/rig.ts";
import { ORIGIN, type WebRig, webRig } from "../../unit/web/rig.ts";

// it says at every start that it is not meant to run like this
beforeAll(() => {
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

const SECRET = "the client's secret at the provider";
const CALLBACK = `${ORIGIN}/login/oidc/callback`;

/** Who there is at the provider, and in which groups. */
const PEOPLE: Record<string, string[]> = {
  ann: ["staff", "noc"],
  carl: ["acme-it"],
  dave: ["staff"],
};

interface Options {
  /** Whether claims are in the UserInfo answer only, as the standard has it, or in the ID token. */
  userInfo?: boolean;
  /** What the hub has for the client's secret. */
  secret?: string;
  /** More of `[web.oidc]`. */
  more?: string;
  trusted?: boolean;
}

/** A provider at an address of this host, and a hub that knows it. */
async function open({ userInfo = true, secret = SECRET, more = "", trusted = true }: Options = {}) {
  const folder = scratch();
  const authority = await makeAuthority(folder);
  const { certificate, key } = await authority.issue("provider");
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server: Server = createServer(
    { cert: readFileSync(certificate), key: readFileSync(key) },
    (request, response) => answer(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "farsite",
        client_secret: SECRET,
        redirect_uris: [CALLBACK],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
    conformIdTokenClaims: userInfo,
    pkce: { required: () => true },
    cookies: { keys: ["a key of the test"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, groups: PEOPLE[id] ?? [] }),
    }),
  });
  provider.on("server_error", (_, error) => console.error(error));
  answer = provider.callback();
  const file = join(folder, "secret");
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  const rig = await webRig({
    web: `[web.oidc]
issuer = "${issuer}"
client_id = "farsite"
client_secret_file = "${file}"
${trusted ? `ca_file = "${authority.file}"` : ""}
${more}
[web.oidc.groups]
noc = { role = "operator" }
acme-it = { role = "tenant-viewer", tenants = ["acme"] }`,
  });
  return { rig, browser: new Browser(rig, issuer, readFileSync(authority.file, "utf8")), server };
}

/** Follows redirects and sends forms, with cookies by host, to the provider and to the hub. */
class Browser {
  readonly jar = new Map<string, Map<string, string>>();
  /** Where it was. */
  readonly visited: URL[] = [];

  constructor(
    private readonly rig: WebRig,
    private readonly issuer: string,
    private readonly authority: string,
  ) {}

  async #send(url: URL, form?: Record<string, string>): Promise<Response> {
    const cookies = this.jar.get(url.host) ?? new Map<string, string>();
    this.jar.set(url.host, cookies);
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const init: RequestInit = {
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
      headers: { cookie },
      redirect: "manual",
    };
    const answer =
      url.origin === this.issuer
        ? await fetch(url, { ...init, tls: { ca: this.authority } } as BunFetchRequestInit)
        : await this.rig.ask(url.pathname + url.search, init);
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  /** Goes to a page and on from there, as `name`, until `stop` or where nobody sends it further. */
  async go(start: string, name: string, stop: (url: URL) => boolean = () => false): Promise<Response> {
    let url = new URL(start, ORIGIN);
    let form: Record<string, string> | undefined;
    for (let step = 0; step < 30; step++) {
      this.visited.push(url);
      const answer = await this.#send(url, form);
      form = undefined;
      const location = answer.headers.get("location");
      if (location !== null) {
        url = new URL(location, url);
        if (stop(url)) return answer;
        continue;
      }
      // the provider's own forms: who it is, and whether the hub may know it
      if (url.origin !== this.issuer) return answer;
      const page = await answer.text();
      const [, action = "", prompt = ""] =
        /<form[^>]*action="([^"]+)"[\s\S]*?name="prompt" value="(\w+)"/.exec(page) ?? [];
      if (action === "")
        throw new Error(`the provider shows no form: ${answer.status} ${page.slice(0, 500)}`);
      url = new URL(action, url);
      form = { prompt, ...(prompt === "login" && { login: name, password: "any" }) };
    }
    throw new Error("it is sent round and round");
  }

  get session(): string | undefined {
    return this.jar.get(new URL(ORIGIN).host)?.get("__Host-farsite");
  }
}

test.each([true, false])(
  "people log in with the role of their groups (claims by UserInfo: %s)",
  async (userInfo) => {
    const { rig, browser } = await open({ userInfo });
    const page = await (await rig.ask("/login?next=/sites")).text();
    expect(page).toMatch(/<a [^>]*href="\/login\/oidc\?next=%2Fsites"[^>]*>Log in with single sign-on</);
    await browser.go("/login/oidc?next=/sites", "ann");
    expect(browser.visited.at(-1)?.pathname).toBe("/sites");
    const principal = await rig.access.ofSession(browser.session ?? "", "192.0.2.1");
    expect(principal).toEqual({
      name: "oidc:ann",
      role: "operator",
      tenants: "all",
      via: "session",
      from: "192.0.2.1",
    });
    // nothing of it stays behind
    expect([...(browser.jar.get("hub.example")?.keys() ?? [])]).toEqual(["__Host-farsite"]);
    const asked = browser.visited.find(({ pathname }) => pathname === "/auth")?.searchParams;
    expect(asked?.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "nonce", "code_challenge"]) expect(asked?.get(name)).toMatch(/^[\w-]{43}$/);
    const [record] = await rig.world.registry.records({ limit: 1, action: "login" });
    expect(record).toMatchObject({ who: "user oidc:ann", action: "login", detail: "operator" });
  },
);

test("a customer's people see their tenant", async () => {
  const { rig, browser } = await open();
  await browser.go("/login/oidc", "carl");
  expect(await rig.access.ofSession(browser.session ?? "", "x")).toMatchObject({
    name: "oidc:carl",
    role: "tenant-viewer",
    tenants: ["acme"],
  });
});

test("who is in no group that has a role is not let in, and is told so", async () => {
  const { rig, browser } = await open();
  const answer = await browser.go("/login/oidc", "dave");
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain("no group of oidc:dave has a role here");
  expect(browser.session).toBeUndefined();
  const [record] = await rig.world.registry.records({ limit: 1, action: "login.fail" });
  expect(record?.detail).toBe("OpenID: no group of oidc:dave has a role here");
});

test("what was begun in one browser does not end in another, nor twice", async () => {
  const { rig, browser } = await open();
  const away = await browser.go("/login/oidc", "ann", (url) => url.href.startsWith(CALLBACK));
  const back = new URL(away.headers.get("location") ?? "");
  const path = back.pathname + back.search;
  expect((await rig.ask(path)).status).toBe(401);
  const other = (await rig.ask("/login/oidc")).headers.get("set-cookie")?.split(";")[0] ?? "";
  expect((await rig.ask(path, { headers: { cookie: other } })).status).toBe(401);
  const own = [...(browser.jar.get("hub.example") ?? [])].map((pair) => pair.join("=")).join("; ");
  const forged = path.replace(/state=[\w-]+/, `state=${"x".repeat(43)}`);
  expect((await rig.ask(forged, { headers: { cookie: own } })).status).toBe(401);
  expect((await rig.ask(path, { headers: { cookie: own } })).status).toBe(303);
  // the provider takes a code once, and then holds its tokens for stolen
  expect((await rig.ask(path, { headers: { cookie: own } })).status).toBe(502);
});

test("who gives up at the provider is back at the login", async () => {
  const { rig, browser } = await open();
  const away = await browser.go("/login/oidc", "ann", (url) => url.pathname === "/auth");
  const state = new URL(away.headers.get("location") ?? "").searchParams.get("state");
  const issuer = new URL(away.headers.get("location") ?? "").origin;
  const query = new URLSearchParams({ error: "access_denied", state: state ?? "", iss: issuer });
  const answer = await browser.go(`/login/oidc/callback?${query}`, "ann");
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain("the OpenID provider says access_denied");
  expect(rig.world.log.lines.filter(({ level }) => level === "error")).toEqual([]);
});

test.each<[string, Options]>([
  ["the client's secret is wrong", { secret: "another secret" }],
  ["nobody vouches for the provider's certificate", { trusted: false }],
  ["the claim with the name is not sent", { more: 'name_claim = "nickname"' }],
])("%s: the log says it, the person is told no more than that it failed", async (_, options) => {
  const { rig, browser } = await open(options);
  const answer = await browser.go("/login/oidc", "ann");
  expect(answer.status).toBe(502);
  const text = await answer.text();
  expect(text).not.toMatch(/another secret|127\.0\.0\.1/);
  expect(browser.session).toBeUndefined();
  const line = rig.world.log.lines.find(({ message }) => message.includes("OpenID"));
  expect(line?.level).toBe("warning");
  expect(String(line?.fields.reason).length).toBeGreaterThan(5);
  expect(JSON.stringify(line)).not.toContain("another secret");
});

test("a provider that is away does no harm to local users, and is asked again when it is back", async () => {
  const { rig, browser, server } = await open();
  await rig.addUser("alice", "operator");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  expect((await rig.ask("/login/oidc")).status).toBe(502);
  await rig.login("alice");
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  // not at once: anybody can begin a login
  expect((await rig.ask("/login/oidc")).status).toBe(502);
  rig.world.clock.advance(5_000);
  await browser.go("/login/oidc", "ann");
  expect(browser.session).toBeDefined();
});

test("a session that the provider vouched for ends sooner", async () => {
  const { rig, browser } = await open({ more: "session_hours = 2" });
  await browser.go("/login/oidc", "ann");
  rig.world.clock.advance(2 * 3_600_000);
  expect(await rig.access.ofSession(browser.session ?? "", "x")).toBeUndefined();
});
