import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { detect, type Found } from "../../../agent/omd/index.ts";
import { makeOmdSite, put } from "../../lab/omd-tree.ts";
import { account, hostAt, scratch, type World } from "./rig.ts";

/** What is found on a host with these files. */
function found(files: Record<string, string>, world?: World): Found[] {
  const root = scratch();
  put(root, files);
  const { sites, problems } = detect(hostAt(root, world));
  expect(problems).toEqual([]);
  return sites;
}

const nobody: World = { listens: () => false };
const shutOut: World = { account: account({ mayOpen: () => false, uid: 1, groups: new Set([1]) }) };

describe("Icinga 2", () => {
  const MAIN = { "etc/icinga2/icinga2.conf": "include <itl>\n" };
  const feature = (text: string) => ({ ...MAIN, "etc/icinga2/features-enabled/livestatus.conf": text });
  const SOCKET = "/run/icinga2/cmd/livestatus";

  test("with the feature on is taken by its usual socket", () => {
    const [icinga] = found(feature('object LivestatusListener "livestatus" { }\n'));
    expect(icinga).toMatchObject({
      kind: "icinga2",
      name: "icinga2",
      state: "running",
      livestatus: { socket: SOCKET, tcp: undefined },
      services: { livestatus: `unix:${SOCKET}` },
      notes: [],
      problems: [],
    });
  });

  test("with the feature off is told how to switch it on", () => {
    const [icinga] = found(MAIN, nobody);
    expect(icinga?.services).toEqual({});
    expect(icinga?.notes).toEqual([expect.stringContaining("icinga2 feature enable livestatus")]);
  });

  test("that is stopped is proposed, and said to be", () => {
    const [icinga] = found(feature("object LivestatusListener {}"), nobody);
    expect(icinga).toMatchObject({ state: "stopped", services: { livestatus: `unix:${SOCKET}` } });
    expect(icinga?.notes).toHaveLength(1);
  });

  test("is taken by the feature's own socket or port", () => {
    const own = found(
      feature(`
        // socket_path = "/wrong"
        object LivestatusListener "unix" { socket_path = "/run/mine" }
        /* object LivestatusListener "x" { socket_path = "/wrong" } */
        object LivestatusListener "tcp" { socket_type = "tcp" bind_host = "127.0.0.1" bind_port = "6559" }`),
    );
    expect(own[0]).toMatchObject({
      livestatus: { socket: "/run/mine", tcp: { port: 6559 } },
      ports: { livestatus: 6559 },
      services: { livestatus: "unix:/run/mine" },
    });
    const tcpOnly = feature('object LivestatusListener "tcp" { socket_type = "tcp" }');
    expect(found(tcpOnly, nobody)[0]).toMatchObject({
      state: "stopped",
      services: { livestatus: "tcp:127.0.0.1:6558" },
    });
    expect(found(tcpOnly, { ...nobody, ports: { 6558: ["0.0.0.0"] } })[0]).toMatchObject({
      state: "running",
    });
    expect(
      found(feature("object LivestatusListener { socket_path = Dir + name }"))[0]?.livestatus?.socket,
    ).toBe(SOCKET);
  });

  test("whose feature is a link, as Debian has it, is followed; one that leads away is not", () => {
    for (const [place, leadsAway] of [
      ["etc/icinga2/features-available/livestatus.conf", false],
      ["srv/other.conf", true],
    ] as const) {
      const root = scratch();
      put(root, { ...feature(""), [place]: 'object LivestatusListener "x" { socket_path = "/run/linked" }' });
      const link = join(root, "etc/icinga2/features-enabled/livestatus.conf");
      put(root, { "etc/icinga2/features-enabled/other.conf": "" });
      rmSync(link);
      symlinkSync(join("../../..", place), link);
      const [icinga] = detect(hostAt(root)).sites;
      expect(icinga?.livestatus?.socket).toBe(leadsAway ? SOCKET : "/run/linked");
      expect(icinga?.problems).toHaveLength(leadsAway ? 1 : 0);
    }
  });
});

describe("Naemon and Nagios", () => {
  const line = (module: string) => `event_broker_options=-1\n# a comment\nbroker_module=${module}\n`;

  test.each([
    [
      "etc/naemon/naemon.cfg",
      "naemon",
      "/usr/lib/naemon/naemon-livestatus/livestatus.so /var/cache/naemon/live",
    ],
    ["etc/nagios4/nagios.cfg", "nagios", "/usr/lib/check_mk/livestatus.o /var/cache/naemon/live debug=1"],
    [
      "etc/nagios3/nagios.cfg",
      "nagios",
      "/usr/lib/check_mk/livestatus.o num_client_threads=20 /var/cache/naemon/live",
    ],
    ["etc/nagios/nagios.cfg", "nagios", "/usr/lib64/mk-livestatus.so /var/cache/naemon/live"],
    ["usr/local/nagios/etc/nagios.cfg", "nagios", "/opt/livestatus.o   /var/cache/naemon/live"],
  ])("%s names the socket", (file, kind, module) => {
    const all = found({ [file]: line(module) });
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({
      kind,
      state: "running",
      services: { livestatus: "unix:/var/cache/naemon/live" },
      notes: [],
      problems: [],
    });
  });

  test("the module may be named in a file of its own", () => {
    const files = {
      "etc/naemon/naemon.cfg": "",
      "etc/naemon/module-conf.d/livestatus.cfg": line("/x/livestatus.so /run/l"),
    };
    expect(found(files)[0]?.services.livestatus).toBe("unix:/run/l");
  });

  test("a port of Naemon's module is taken where the socket is closed", () => {
    const files = { "etc/naemon/naemon.cfg": line("/x/livestatus.so inet_addr=0.0.0.0:6557 /run/l") };
    expect(found(files)[0]).toMatchObject({
      livestatus: { tcp: { port: 6557 } },
      services: { livestatus: "unix:/run/l" },
    });
    expect(found({ ...files, "run/l": "" }, shutOut)[0]?.services.livestatus).toBe("tcp:127.0.0.1:6557");
  });

  test.each([
    "",
    "# broker_module=/x/livestatus.o /run/l\n",
    line("/x/ndomod.o config_file=/etc/ndomod.cfg"),
    line("/x/livestatus.o"),
    line("/x/livestatus.o relative/path"),
    line(`/x/livestatus.o /${"x".repeat(200)}`),
    line('/x/livestatus.o /run/"l'),
  ])("without a usable module there is nothing to offer: %j", (text) => {
    const [nagios] = found({ "etc/nagios4/nagios.cfg": text });
    expect(nagios?.services).toEqual({});
    expect(nagios?.notes).toEqual([expect.stringContaining("broker_module=MODULE SOCKET")]);
  });

  test("one that is stopped is proposed, and said to be", () => {
    const [nagios] = found({ "etc/nagios4/nagios.cfg": line("/x/livestatus.o /run/l") }, nobody);
    expect(nagios).toMatchObject({ state: "stopped", services: { livestatus: "unix:/run/l" } });
    expect(nagios?.notes).toEqual(["nobody listens at /run/l: is nagios running?"]);
  });
});

test("beside OMD sites no other core is looked for", () => {
  const root = scratch();
  put(root, { "etc/icinga2/icinga2.conf": "", "etc/nagios4/nagios.cfg": "" });
  makeOmdSite(root, { name: "main", version: "2.3.0.cre" });
  expect(detect(hostAt(root)).sites.map(({ name }) => name)).toEqual(["main"]);
});
