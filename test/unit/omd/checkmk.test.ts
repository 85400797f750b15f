import { describe, expect, test } from "vitest";
import { account, detectSite, detectSites } from "./rig.ts";

const SOCKET = "unix:/omd/sites/main/tmp/run/live";
const EVENTS = "unix:/omd/sites/main/tmp/run/mkeventd/status";

describe("a new site of", () => {
  test.each([
    ["2.1.0p49.cre", "2.1.0p49", "Raw", "nagios"],
    ["2.1.0p49.cee", "2.1.0p49", "Enterprise", "cmc"],
    ["2.2.0p40.cre", "2.2.0p40", "Raw", "nagios"],
    ["2.2.0p40.cce", "2.2.0p40", "Cloud", "cmc"],
    ["2.3.0p20.cre", "2.3.0p20", "Raw", "nagios"],
    ["2.3.0p20.cme", "2.3.0p20", "Managed Services", "cmc"],
    ["2.3.0-2024.05.01.cee.demo", "2.3.0-2024.05.01", "Enterprise", "cmc"],
  ])("%s", (link, version, edition, core) => {
    expect(detectSite({ version: link })).toEqual({
      kind: "checkmk",
      name: "main",
      version,
      edition,
      core,
      state: "running",
      livestatus: { socket: "/omd/sites/main/tmp/run/live", tcp: undefined },
      ports: { http: 5000, agentReceiver: 8000 },
      services: { livestatus: SOCKET, http: "tcp:127.0.0.1:5000", ec: EVENTS },
      rights: { state: "open" },
      notes: [],
      problems: [],
    });
  });

  test.each([
    ["2.4.0p5.cre", "Raw", "nagios"],
    ["2.4.0p5.cee", "Enterprise", "cmc"],
    ["2.5.0b1.community", "Community", "nagios"],
    ["2.5.0.pro", "Pro", "cmc"],
    ["2.5.0p2.ultimate", "Ultimate", "cmc"],
    ["2.5.0p2.ultimatemt", "Ultimate with Multi-Tenancy", "cmc"],
  ])("%s, which has a message broker", (version, edition, core) => {
    const found = detectSite({ version });
    expect(found).toMatchObject({ kind: "checkmk", edition, core, problems: [] });
    expect(found.ports).toEqual({ http: 5000, agentReceiver: 8000, broker: 5672 });
    expect(found.services).toEqual({
      livestatus: SOCKET,
      http: "tcp:127.0.0.1:5000",
      ec: EVENTS,
      broker: "tcp:127.0.0.1:5672",
    });
  });

  test("OMD that is no Checkmk", () => {
    const found = detectSite({
      version: "5.40-labs-edition",
      settings: { CORE: "naemon", MKEVENTD: undefined },
    });
    expect(found).toMatchObject({
      kind: "omd",
      version: "5.40-labs-edition",
      edition: undefined,
      core: "naemon",
    });
    expect(found.services).toEqual({ livestatus: SOCKET, http: "tcp:127.0.0.1:5000" });
  });
});

test("three sites of a host are told apart by their folders and ports", () => {
  const { sites, problems } = detectSites(
    ["main", "prod", "Test_2"].map((name, nth) => ({
      name,
      nth,
      version: nth === 0 ? "2.2.0.cre" : "2.4.0.cee",
    })),
  );
  expect(problems).toEqual([]);
  expect(
    sites.map(({ name, version, services }) => [name, version, services.livestatus, services.http]),
  ).toEqual([
    ["Test_2", "2.4.0", "unix:/omd/sites/Test_2/tmp/run/live", "tcp:127.0.0.1:5002"],
    ["main", "2.2.0", SOCKET, "tcp:127.0.0.1:5000"],
    ["prod", "2.4.0", "unix:/omd/sites/prod/tmp/run/live", "tcp:127.0.0.1:5001"],
  ]);
});

test("a site that is stopped is proposed all the same, and said to be stopped", () => {
  const found = detectSite({ started: false }, { listens: () => false });
  expect(found.state).toBe("stopped");
  expect(found.notes).toEqual(["it is stopped: omd start main"]);
  expect(found.services.livestatus).toBe(SOCKET);
});

test("a site whose socket was left behind is stopped, too", () => {
  expect(detectSite({ started: true }, { listens: () => false }).state).toBe("stopped");
});

describe("Livestatus over TCP", () => {
  const closed = account({ mayOpen: () => false, uid: 1, groups: new Set([1]) });
  const tcp = (settings: Record<string, string>) => ({ settings: { LIVESTATUS_TCP: "on", ...settings } });

  test("is reported, and the Unix socket preferred", () => {
    const found = detectSite(tcp({ LIVESTATUS_TCP_PORT: "6559" }));
    expect(found.livestatus?.tcp).toEqual({ port: 6559, tls: true, admitsLoopback: true });
    expect(found.ports.livestatus).toBe(6559);
    expect(found.services.livestatus).toBe(SOCKET);
  });

  test("is taken where the agent's user may not open the socket, and it is plain", () => {
    const world = { account: closed };
    expect(detectSite(tcp({ LIVESTATUS_TCP_TLS: "off" }), world).services.livestatus).toBe(
      "tcp:127.0.0.1:6557",
    );
    expect(detectSite(tcp({}), world).services.livestatus).toBe(SOCKET);
    expect(detectSite({}, world).services.livestatus).toBe(SOCKET);
  });

  test.each([
    ["0.0.0.0 ::/0", true],
    ["127.0.0.1", true],
    ["10.0.0.0/8 127.0.0.0/8", true],
    ["0.0.0.0/0", true],
    ["10.1.2.3 ::/0", false],
    ["10.0.0.0/33 x/8 1.2.3/8", false],
    ["", false],
  ])("that admits %j lets this host in: %s", (list, admits) => {
    const site = tcp({ LIVESTATUS_TCP_TLS: "off", LIVESTATUS_TCP_ONLY_FROM: list });
    const found = detectSite(site, { account: closed });
    expect(found.livestatus?.tcp?.admitsLoopback).toBe(admits);
    expect(found.services.livestatus).toBe(admits ? "tcp:127.0.0.1:6557" : SOCKET);
  });
});

describe("the other services", () => {
  test.each([
    [{ APACHE_TCP_ADDR: "0.0.0.0" }, "tcp:127.0.0.1:5000"],
    [{ APACHE_TCP_ADDR: "::" }, "tcp:127.0.0.1:5000"],
    [{ APACHE_TCP_ADDR: "[::1]" }, "tcp:[::1]:5000"],
    [{ APACHE_TCP_ADDR: "10.0.0.7", APACHE_TCP_PORT: "80" }, "tcp:10.0.0.7:80"],
    [{ APACHE_TCP_ADDR: 'x" evil' }, "tcp:127.0.0.1:5000"],
    [{ APACHE_MODE: "none" }, undefined],
    [{ APACHE_TCP_PORT: undefined }, undefined],
  ])("the web server with %j is at %s", (settings, target) => {
    expect(detectSite({ settings }).services.http).toBe(target);
  });

  const events = (line: string) => ({
    files: { "etc/check_mk/mkeventd.d/wato/global.mk": `# by setup\n${line}\n` },
  });

  test.each([
    ["remote_status = (6558, False, None)", "tcp:127.0.0.1:6558"],
    ["remote_status = (16558, True, ['127.0.0.1', '10.0.0.0/8'])", "tcp:127.0.0.1:16558"],
    ["remote_status = (6558, False, ['10.0.0.1'])", EVENTS],
    ["remote_status = None", EVENTS],
    ["remote_status = (6558, False, None)\nremote_status = None", EVENTS],
    ["# remote_status = (6558, False, None)", EVENTS],
    ["remote_status = (99999, False, None)", EVENTS],
    ["remote_status = (__import__('os').system('reboot'), 1, None)", EVENTS],
  ])("the Event Console with %j is at %s", (line, target) => {
    const found = detectSite(events(line));
    expect(found.services.ec).toBe(target);
    expect(found.problems).toEqual([]);
  });

  test("the Event Console that is off is not proposed", () => {
    const found = detectSite({
      ...events("remote_status = (6558, False, None)"),
      settings: { MKEVENTD: "off" },
    });
    expect(found.ports.eventConsole).toBeUndefined();
    expect(found.services.ec).toBeUndefined();
  });

  const incoming = (port: number) =>
    `notification_spooler_config.update({'concurrency': [], 'incoming': {'authentication': 'unauthenticated', 'heartbeat_interval': 10, 'listen_port': ${port}}, 'outgoing': [{'address': 'x', 'port': 6555}]})\n`;

  test("the notification spooler is proposed where it takes connections", () => {
    const wato = "etc/check_mk/mknotifyd.d/wato";
    const global = { [`${wato}/global.mk`]: incoming(6555) };
    expect(detectSite({ files: global }).services.notify).toBe("tcp:127.0.0.1:6555");
    const both = { ...global, [`${wato}/sitespecific.mk`]: incoming(6666) };
    expect(detectSite({ files: both }).services.notify).toBe("tcp:127.0.0.1:6666");
    const outgoing = {
      [`${wato}/global.mk`]: "notification_spooler_config = {'outgoing': [{'port': 6555}]}\n",
    };
    for (const files of [{}, outgoing, { [`${wato}/global.mk`]: incoming(0) }]) {
      expect(detectSite({ files }).services.notify).toBeUndefined();
    }
  });

  test.each([
    [["0.0.0.0"], "tcp:127.0.0.1:6556"],
    [["::"], "tcp:127.0.0.1:6556"],
    [["10.0.0.7", "127.0.0.1"], "tcp:127.0.0.1:6556"],
    [["10.0.0.7"], "tcp:10.0.0.7:6556"],
    [["fe80::1"], "tcp:[fe80::1]:6556"],
    [[], undefined],
  ])("the Checkmk agent that listens at %j is at %s", (addresses, target) => {
    expect(detectSite({}, { ports: { 6556: addresses } }).services["cmk-agent"]).toBe(target);
  });
});
