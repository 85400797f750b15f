import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseFeature } from "../../../agent/omd/icinga.ts";
import { detect } from "../../../agent/omd/index.ts";
import { parseModule } from "../../../agent/omd/nagios.ts";
import { makeOmdSite, put } from "../../lab/omd-tree.ts";
import { detectSite, hostAt, scratch } from "./rig.ts";

const VERSION = "2.3.0p20.cre";
const CONF = "/omd/sites/main/etc/omd/site.conf";

/** Detects a site `main`, after `spoil` had its way with its folder, beside one that is whole. */
function detectSpoilt(spoil: (folder: string, root: string) => void) {
  const root = scratch();
  makeOmdSite(root, { name: "whole", version: VERSION, nth: 1 });
  const folder = makeOmdSite(root, { name: "main", version: VERSION });
  spoil(folder, root);
  const { sites, problems } = detect(hostAt(root));
  const whole = sites.find(({ name }) => name === "whole");
  expect(whole).toMatchObject({ services: { http: "tcp:127.0.0.1:5001" }, problems: [] });
  return { main: sites.find(({ name }) => name === "main"), problems };
}

const conf = (folder: string) => join(folder, "etc/omd/site.conf");
function replace(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true });
  make(path);
}

describe("site.conf that", () => {
  test.each<[string, (folder: string, root: string) => void, string]>([
    ["is missing", (folder) => rmSync(conf(folder)), `${CONF}: there is no such file`],
    ["is a folder", (folder) => replace(conf(folder), (path) => mkdirSync(path)), `${CONF}: not a file`],
    [
      "is a pipe",
      (folder) => replace(conf(folder), (path) => execFileSync("mkfifo", [path])),
      `${CONF}: not a file`,
    ],
    ["has no end", (folder) => truncateSync(conf(folder), 2 ** 40), `${CONF}: larger than 256 KiB`],
    [
      "is a link to another's file",
      (folder, root) => {
        put(root, { "etc/shadow": "CONFIG_CORE='stolen'\n" });
        replace(conf(folder), (path) => symlinkSync(join(root, "etc/shadow"), path));
      },
      `${CONF}: a link leads out of its folder`,
    ],
    [
      "lies behind a link to another's folder",
      (folder, root) => {
        put(root, { "elsewhere/site.conf": "CONFIG_CORE='stolen'\n" });
        replace(join(folder, "etc/omd"), (path) => symlinkSync(join(root, "elsewhere"), path));
      },
      `${CONF}: a link leads out of its folder`,
    ],
    [
      "is a link to itself",
      (folder) => replace(conf(folder), (path) => symlinkSync(path, path)),
      `${CONF}: ELOOP`,
    ],
    ["is a device", (folder) => replace(conf(folder), (path) => symlinkSync("/dev/zero", path)), "leads out"],
  ])("%s is said, and does no harm", (_, spoil, problem) => {
    const { main, problems } = detectSpoilt(spoil);
    expect(problems).toEqual([]);
    expect(main?.core).toBeUndefined();
    expect(main?.problems).toEqual([expect.stringContaining(problem)]);
    // where the socket is, is known without it
    expect(main?.services).toEqual({ livestatus: "unix:/omd/sites/main/tmp/run/live" });
  });

  test("may be a link within the site", () => {
    const { main } = detectSpoilt((folder) => {
      put(folder, { "etc/omd/other.conf": "CONFIG_CORE='cmc'\n" });
      replace(conf(folder), (path) => symlinkSync("other.conf", path));
    });
    expect(main).toMatchObject({ core: "cmc", problems: [] });
  });

  test.each([
    ["CONFIG_CORE=$(reboot)", undefined],
    ["CONFIG_CORE='a' 'b'", undefined],
    ['CONFIG_CORE="`reboot`"', undefined],
    ["export CONFIG_CORE='cmc'", undefined],
    ["CONFIG_core='cmc'", undefined],
    ["\0\u001b[2J", undefined],
    [`CONFIG_${"X".repeat(100)}='1'`, undefined],
    ['CONFIG_CORE="cmc"', "cmc"],
    ["CONFIG_CORE=cmc", "cmc"],
    ["  CONFIG_CORE='cmc'  \r", "cmc"],
    ["CONFIG_CORE='nagios'\nCONFIG_CORE='cmc'", "cmc"],
    ["# CONFIG_CORE=$(reboot)\n\nCONFIG_CORE='cmc'", "cmc"],
    ["CONFIG_CORE='\u001b[2J'", "?[2J"],
  ])("has the line %j is read as data", (line, core) => {
    const { main } = detectSpoilt((folder) =>
      writeFileSync(conf(folder), `${line}\nCONFIG_APACHE_TCP_PORT='5000'\n`),
    );
    expect(main?.core).toBe(core);
    expect(main?.services.http).toBe("tcp:127.0.0.1:5000");
    expect(main?.problems).toEqual(core === undefined ? ["site.conf: line 1: not CONFIG_NAME='VALUE'"] : []);
  });

  test("has more lines than any site's is read as far as it makes sense", () => {
    const { main } = detectSpoilt((folder) => writeFileSync(conf(folder), "x\n".repeat(5000)));
    expect(main?.problems).toEqual([
      "site.conf: only the first 1000 lines were looked at",
      "site.conf: line 1 and 999 more: not CONFIG_NAME='VALUE'",
    ]);
  });

  test.each(["0", "65536", "-1", "5e3", "80 ", "http", "500000000000"])(
    "has the port %j has none",
    (port) => {
      const found = detectSite({ settings: { APACHE_TCP_PORT: port } });
      expect(found.services.http).toBeUndefined();
      expect(found.problems).toContain("site.conf: CONFIG_APACHE_TCP_PORT is no port");
    },
  );
});

describe("a version that", () => {
  test.each([
    ["leads nowhere of that kind", (path: string) => symlinkSync("/", path), "leads to no version"],
    [
      "is hostile",
      (path: string) => symlinkSync("../../versions/2\u001b[2J.cre", path),
      "leads to no version",
    ],
    ["is a folder", (path: string) => mkdirSync(path), "EINVAL"],
  ])("%s is said", (_, make, problem) => {
    const { main } = detectSpoilt((folder) => replace(join(folder, "version"), make));
    expect(main).toMatchObject({ kind: "omd", version: undefined, services: { http: "tcp:127.0.0.1:5000" } });
    expect(main?.problems).toEqual([expect.stringContaining(problem)]);
  });
});

describe("what is below /omd/sites and no site", () => {
  test.each<[string, string, (path: string, root: string) => void]>([
    ["a link", "trick", (path, root) => symlinkSync(join(root, "omd/sites/whole"), path)],
    ["a link to nothing", "trick", (path) => symlinkSync("nowhere", path)],
    ["a file", "trick", (path) => writeFileSync(path, "")],
  ])("%s is not taken for one", (_, name, make) => {
    const { problems } = detectSpoilt((_folder, root) => make(join(root, "omd/sites", name), root));
    expect(problems).toEqual(["/omd/sites/trick: not a folder, so no site"]);
  });

  test.each(["a b", "1st", ".hidden", "x".repeat(40), 'a"; reboot; "'])(
    "a folder called %j is not",
    (name) => {
      const { problems } = detectSpoilt((_folder, root) => mkdirSync(join(root, "omd/sites", name)));
      expect(problems).toEqual([expect.stringMatching(/^\/omd\/sites\/.*: no site has such a name$/)]);
    },
  );

  test("a folder that says nothing of itself is a site of which nothing is known", () => {
    const { main } = detectSpoilt((folder) => replace(folder, (path) => mkdirSync(path)));
    expect(main).toMatchObject({ kind: "omd", core: undefined });
    expect(main?.problems).toEqual([`${CONF}: there is no such file`]);
  });
});

test("settings of daemons that are no text are passed over", () => {
  const found = detectSite({
    files: {
      "etc/check_mk/mkeventd.d/wato/global.mk": "\0".repeat(1000),
      "etc/check_mk/mknotifyd.d/wato/global.mk": "{'incoming': {".repeat(10_000),
    },
  });
  expect(found.services.notify).toBeUndefined();
  expect(found.services.ec).toMatch(/^unix:/);
});

test("files that are made to be slow to search are read nevertheless", () => {
  const size = 250 << 10;
  const fill = (text: string) => text.repeat(Math.floor(size / text.length));
  const found = detectSite({
    files: {
      "etc/check_mk/mkeventd.mk": fill("remote_status=(1,True,[\n"),
      "etc/check_mk/mkeventd.d/wato/global.mk": "remote_status = (6558, False, None)\n",
      "etc/check_mk/mknotifyd.mk": fill("'incoming':{'listen_port"),
    },
  });
  expect(found.services.ec).toBe("tcp:127.0.0.1:6558");
  expect(parseFeature(fill("/*")).tcpOnly).toBe(false);
  expect(parseModule(fill("broker_module = "))).toBeUndefined();
});

test("a host without OMD has no problem with that", () => {
  const root = scratch();
  rmSync(join(root, "omd"), { recursive: true });
  expect(detect(hostAt(root))).toEqual({ sites: [], problems: [] });
});
