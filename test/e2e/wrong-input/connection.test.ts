import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { ErrorCode } from "../../../common/errors.ts";
import { call, FarsiteLab, freePort, type TestHub, until } from "../../lab/farsite.ts";
import { makeAuthority, type Wanted } from "../certificates.ts";
import { expectNoTrace, expectRefusal } from "../refusal.ts";
import { tokenOf } from "../token.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());
const authority = await makeAuthority(lab.folder);

/** Something else than a hub on a port of 127.0.0.1, until the test is over. */
async function stranger(serve: (socket: Socket) => void, port = 0, host = "127.0.0.1"): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(port, host);
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

// a token of a hub with a self-made certificate leads to another first step than one of a known authority
describe.each([
  ["a self-made certificate", new Uint8Array(32)],
  ["an authority's certificate", undefined],
])("enrolling at a hub with %s", (_, certificate) => {
  const enroll = (url: string) =>
    lab.makeAgent({ limits: { handshake_seconds: 1 } }).enroll(tokenOf(url, { certificate }));

  test("that is down", async () => {
    const url = `wss://127.0.0.1:${await freePort()}`;
    expectRefusal(await enroll(url), "E_HUB_UNREACHABLE", `${url} refuses the connection`, "firewall");
  });

  test("whose name does not exist", async () => {
    const url = "wss://hub.invalid";
    expectRefusal(await enroll(url), "E_DNS", `the name of ${url} cannot be resolved`, "DNS");
  });

  test("that takes the connection and is silent", async () => {
    const url = `wss://127.0.0.1:${await stranger(() => {})}`;
    expectRefusal(await enroll(url), "E_TLS_TIMEOUT", `${url} took the connection and is silent`, "inspects");
  });

  test.each([
    ["hangs up at once", (socket: Socket) => socket.destroy()],
    ["ends the conversation", (socket: Socket) => socket.once("data", () => socket.end())],
    ["cuts the conversation", (socket: Socket) => socket.once("data", () => socket.resetAndDestroy())],
  ])("that %s", async (_, serve) => {
    const url = `wss://127.0.0.1:${await stranger(serve)}`;
    expectRefusal(
      await enroll(url),
      "E_TLS_FAILED",
      `${url} took the connection and ended it`,
      "inspects TLS",
    );
  });

  test.each([
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["plain HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
  ])("where %s answers", async (_, greeting) => {
    const url = `wss://127.0.0.1:${await stranger((socket) => socket.write(greeting))}`;
    expectRefusal(await enroll(url), "E_TLS_FAILED", `${url} does not speak TLS`, "Something else");
  });
});

describe("enrolling where another web server answers", () => {
  /** A web server with a good certificate. */
  async function webServer(fetch: (request: Request) => Response): Promise<string> {
    const { certificate, key } = await authority.issue("web");
    const tls = { cert: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, tls, fetch });
    onTestFinished(() => server.stop(true));
    return `wss://127.0.0.1:${server.port}`;
  }

  test.each<[string, number, ErrorCode]>([
    ["with a page", 200, "E_CAPTIVE_PORTAL"],
    ["that leads elsewhere", 302, "E_CAPTIVE_PORTAL"],
    ["that does not know the path", 404, "E_NOT_A_HUB"],
    ["that is broken", 502, "E_NOT_A_HUB"],
    ["that gets no upgrade", 426, "E_UPGRADE_STRIPPED"],
  ])("%s", async (_, status, code) => {
    const url = await webServer(() => new Response("", { status, headers: { Location: "/login" } }));
    const finished = await lab.makeAgent({ ca_file: authority.file }).enroll(tokenOf(url));
    expectRefusal(finished, code, url, `HTTP status ${status}`, "proxy");
  });

  test("a hub that is busy says so", async () => {
    const url = await webServer(() => new Response("", { status: 503 }));
    const finished = await lab.makeAgent({ ca_file: authority.file }).enroll(tokenOf(url));
    expectRefusal(finished, "E_HUB_BUSY", `${url} takes no more handshakes for now`, "Wait a minute");
  });
});

describe("a running agent", () => {
  test("says why it is not connected, and connects once the hub is there", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    await hub.stop();
    await agent.start();
    await agent.complains("E_HUB_UNREACHABLE");
    expect((await agent.status()).state).not.toBe("connected");
    expect(await agent.ok("status")).toContain(`${hub.url} refuses the connection [E_HUB_UNREACHABLE]`);
    expectNoTrace(agent.process.output);
    await hub.start();
    await hub.reaches("acme/main", "connected");
    expect((await agent.status()).error).toBeUndefined();
    await Promise.all([agent.stop(), hub.stop()]);
  });

  test("must be enrolled", async () => {
    const agent = lab.makeAgent();
    expectRefusal(await agent.call(["run"]), "E_NOT_ENROLLED", agent.stateDir, "farsite-agent enroll TOKEN");
  });

  test("is the only one in its run directory", async () => {
    const hub = await lab.startHub();
    const agent = await lab.connect(hub, "acme/main");
    const socket = join(agent.runDir, "status.sock");
    expectRefusal(await agent.call(["run"]), "E_LISTEN", `another agent runs with ${socket}`, "--run-dir");
    expect((await agent.status()).state).toBe("connected");
    await Promise.all([agent.stop(), hub.stop()]);
  });

  test("is not replaced by a second enrolment unless that is forced", async () => {
    const hub = await lab.startHub();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    await agent.ok("enroll", token);
    const key = readFileSync(join(agent.stateDir, "agent.key"), "utf8");
    const { token: again } = await hub.json<{ token: string }>("site", "token", "acme/main");
    const refused = await agent.enroll(again);
    expectRefusal(refused, "E_ALREADY_ENROLLED", agent.stateDir, "--force", "The token was not used");
    expect(readFileSync(join(agent.stateDir, "agent.key"), "utf8")).toBe(key);

    const { token: second } = await hub.addSite("acme/second");
    await agent.ok("enroll", second, "--force");
    expect(readFileSync(join(agent.stateDir, "agent.key"), "utf8")).not.toBe(key);
    await agent.start();
    await hub.reaches("acme/second", "connected");
    expect((await hub.site("acme/main")).state).toBe("never");
    expect((await agent.told()).sites).toHaveLength(1);
    await Promise.all([agent.stop(), hub.stop()]);
  });
});

describe("an address that is in use", () => {
  test("the hub's own: it ends", async () => {
    const port = await stranger(() => {});
    const hub = await lab.makeHub({ listen: { port } });
    const finished = await hub.call(["serve"]);
    expectRefusal(finished, "E_LISTEN", `cannot listen on 127.0.0.1 port ${port}`, "in use", "listen.port");
    expect(existsSync(join(hub.runDir, "admin.sock"))).toBe(false);
  });

  test("the hub's own address is not this host's: it ends", async () => {
    const hub = await lab.makeHub({ listen: { address: "192.0.2.1" } });
    expectRefusal(await hub.call(["serve"]), "E_LISTEN", "cannot listen on 192.0.2.1", "listen.address");
  });

  test("an endpoint's: the hub goes on, says why, and mends it by itself", async () => {
    const hub = await lab.startHub({ services: { livestatus: await freePort() } });
    const { address } = await hub.addSite("acme/first");
    const { port } = await hub.endpoint("acme/first", "livestatus");
    await hub.ok("site", "disable", "acme/first");
    await until("the endpoint to close", async () => (await hub.endpoints()).length === 0);
    const occupier = createServer().listen(port, address);
    await once(occupier, "listening");

    await hub.ok("site", "enable", "acme/first");
    await until(
      "the failure",
      async () => (await hub.endpoint("acme/first", "livestatus")).state === "failed",
    );
    expect((await hub.endpoint("acme/first", "livestatus")).reason).toMatch(/EADDRINUSE|in use/);
    expect((await hub.endpoint("acme/first", "http")).state).toBe("listening");
    const line = (await hub.ok("endpoints")).split("\n").find((text) => text.includes(`${address}:${port}`));
    expect(line).toMatch(/in use/i);
    const logged = hub.process.output
      .split("\n")
      .filter((text) => text.includes("endpoint cannot be opened"));
    expect(logged).toEqual([expect.stringContaining(`address=${address}:${port}`)]);

    occupier.close();
    await until(
      "the endpoint",
      async () => (await hub.endpoint("acme/first", "livestatus")).state === "listening",
    );
    expect(await hub.endpoint("acme/first", "livestatus")).not.toHaveProperty("reason");
    await hub.stop();
  });
});

describe("a second hub", () => {
  test("in the same run directory ends, and leaves the first alone", async () => {
    const hub = await lab.startHub();
    await hub.addSite("acme/main");
    const second = await lab.makeHub();
    const admin = join(hub.runDir, "admin.sock");
    const places = ["--config", second.config, "--state-dir", second.stateDir, "--run-dir", hub.runDir];
    const finished = await call("hub", ["serve", ...places]);
    expectRefusal(finished, "E_LISTEN", `another hub runs with ${admin}`, "--run-dir");
    expect((await hub.site("acme/main")).state).toBe("never");
    await hub.stop();
  });

  test("started as the first was ends, too", async () => {
    const hub = await lab.startHub();
    expectRefusal(await hub.call(["serve"]), "E_LISTEN", "another hub runs with");
    expect((await hub.status()).sites).toEqual([]);
    await hub.stop();
  });

  test("takes over the run directory of one that was killed", async () => {
    const hub = await lab.startHub();
    await hub.addSite("acme/main");
    await hub.crash();
    expect(existsSync(join(hub.runDir, "admin.sock"))).toBe(true);
    await hub.start();
    expect((await hub.endpoint("acme/main", "livestatus")).state).toBe("listening");
    await hub.stop();
  });
});

describe("the hub's certificate", () => {
  /** A hub with a certificate of a private authority. */
  async function hubWith(wanted?: Wanted): Promise<TestHub> {
    const files = await authority.issue(`hub${Math.random()}`, wanted);
    return lab.startHub({ listen: { tls: "files", ...files } });
  }

  test("of a private authority is trusted with ca_file only", async () => {
    const hub = await hubWith();
    const { token } = await hub.addSite("acme/main");
    const agent = lab.makeAgent();
    const finished = await agent.enroll(token);
    expectRefusal(finished, "E_TLS_UNTRUSTED", hub.url, "is not trusted", "ca_file in agent.toml");

    agent.write({ ca_file: authority.file });
    await agent.ok("enroll", token);
    await agent.start();
    await hub.reaches("acme/main", "connected");
    await agent.stop();

    agent.write({});
    await agent.start();
    await agent.complains("E_TLS_UNTRUSTED");
    await Promise.all([agent.stop(), hub.stop()]);
  });

  test.each<[string, Wanted, ...string[]]>([
    ["has expired", { from: -10, to: -1 }, "is not valid at 20", "timedatectl"],
    ["is not valid yet", { from: 1, to: 10 }, "is not valid at 20", "timedatectl"],
    ["is for another host", { host: "hub.example" }, "is not trusted", "altnames"],
  ])("%s", async (_, wanted, ...says) => {
    const hub = await hubWith(wanted);
    const { token } = await hub.addSite("acme/main");
    const finished = await lab.makeAgent({ ca_file: authority.file }).enroll(token);
    expectRefusal(finished, "E_TLS_UNTRUSTED", `the TLS certificate of ${hub.url}`, ...says);
    await hub.stop();
  });
});
