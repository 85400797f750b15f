import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { agentConfig } from "../../../agent/config.ts";
import {
  assign,
  findEnrolments,
  placeFor,
  readEnrolments,
  refuseUnknown,
  unassigned,
  type Wishes,
} from "../../../agent/enrolment/index.ts";
import { writeEnrolled } from "../../../agent/state.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";

const hubKey = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const PLAIN: Wishes = { name: undefined, force: false, named: [] };
const FORCED = { ...PLAIN, force: true };

function stateDir(): string {
  const path = mkdtempSync(join(tmpdir(), "farsite-state-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The site `TENANT/SITE` of a hub that is told by one byte of its key. */
function siteOf(path: string, hub = 1) {
  const [tenant = "", site = ""] = path.split("/");
  return { tenant, site, hubKey: hubKey(hub) };
}

/** Enrols as `farsite-agent enroll` does; gives the enrolment's name. */
function enrol(state: string, path: string, wishes: Partial<Wishes> = {}, hub = 1) {
  const wanted = siteOf(path, hub);
  const place = placeFor(state, wanted, { ...PLAIN, ...wishes });
  mkdirSync(place.folder, { recursive: true });
  writeEnrolled(place.folder, {
    identity: KeyPair.identity(systemRandom),
    url: "wss://hub.example",
    ...wanted,
  });
  return place;
}

const pathsIn = (state: string) =>
  readEnrolments(state).enrolments.map(
    ({ name, enrolled }) => `${name}: ${enrolled.tenant}/${enrolled.site}`,
  );
const keysIn = (state: string) =>
  readEnrolments(state).enrolments.map(({ enrolled }) => enrolled.identity.publicKey.bytes);

describe("a new enrolment", () => {
  test("goes into the state directory itself as long as it is the only one", () => {
    const state = stateDir();
    expect(enrol(state, "acme/main")).toEqual({ name: "main", folder: state });
    expect(pathsIn(state)).toEqual(["main: acme/main"]);
    expect(readEnrolments(state).enrolments[0]?.root).toBe(true);
  });

  test("of a further site gets a folder and a key of its own, and leaves the first as it was", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    const [before] = keysIn(state);
    expect(enrol(state, "acme/second").folder).toBe(join(state, "sites", "second"));
    expect(pathsIn(state)).toEqual(["main: acme/main", "second: acme/second"]);
    expect(keysIn(state)[0]).toEqual(before);
    expect(keysIn(state)[1]).not.toEqual(before);
  });

  test("is told by its tenant, too, where another site has the same ID", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    expect(enrol(state, "beta/main").name).toBe("beta-main");
    expect(enrol(state, "beta/second").name).toBe("second");
    expect(enrol(state, "acme/main", {}, 2).name).toBe("acme-main");
    expect(pathsIn(state)).toEqual([
      "main: acme/main",
      "acme-main: acme/main",
      "beta-main: beta/main",
      "second: beta/second",
    ]);
    expect(() => enrol(state, "acme/main", {}, 3)).toThrow(
      expect.objectContaining({ code: "E_ALREADY_ENROLLED" }),
    );
    expect(enrol(state, "acme/main", { name: "third-hub" }, 3).name).toBe("third-hub");
  });

  test("takes the name that was asked for, also as the first", () => {
    const state = stateDir();
    expect(enrol(state, "acme/main", { name: "one" }).folder).toBe(join(state, "sites", "one"));
    expect(enrol(state, "acme/second", { name: "two" }).name).toBe("two");
    expect(readEnrolments(state).enrolments.map(({ root }) => root)).toEqual([false, false]);
  });

  test("takes the name under which agent.toml speaks of it", () => {
    const state = stateDir();
    const named = ["acme-main", "second"];
    expect(placeFor(state, siteOf("acme/main"), { ...PLAIN, named }).name).toBe("acme-main");
    expect(placeFor(state, siteOf("acme/second"), { ...PLAIN, named }).name).toBe("second");
    expect(placeFor(state, siteOf("acme/third"), { ...PLAIN, named })).toEqual({
      name: "third",
      folder: join(state, "sites", "third"),
    });
  });

  test("of the same site is refused unless it is forced; then it takes the place of the former", () => {
    for (const path of ["acme/main", "acme/second"]) {
      const state = stateDir();
      enrol(state, "acme/main");
      enrol(state, "acme/second");
      const before = keysIn(state);
      expect(() => enrol(state, path)).toThrow(expect.objectContaining({ code: "E_ALREADY_ENROLLED" }));
      expect(keysIn(state)).toEqual(before);
      enrol(state, path, { force: true });
      expect(pathsIn(state)).toEqual(["main: acme/main", "second: acme/second"]);
      const kept = keysIn(state).map((key, index) => Buffer.from(key).equals(before[index] as Uint8Array));
      expect(kept).toEqual([path !== "acme/main", path !== "acme/second"]);
    }
  });

  test("of the same site under a second name is refused, forced or not", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    for (const force of [false, true]) {
      expect(() => enrol(state, "acme/main", { name: "other", force })).toThrow(
        expect.objectContaining({
          code: "E_ALREADY_ENROLLED",
          message: expect.stringContaining("named main"),
        }),
      );
    }
  });

  test("that is forced takes the place of the only one, whatever site that is of", () => {
    for (const name of [undefined, "one"]) {
      const state = stateDir();
      const { folder } = enrol(state, "acme/main", name === undefined ? {} : { name });
      expect(enrol(state, "beta/other", { force: true }).folder).toBe(folder);
      expect(readEnrolments(state).enrolments).toHaveLength(1);
    }
  });

  test("that is forced gives up nothing else where there are several", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    enrol(state, "acme/second");
    enrol(state, "acme/third", { force: true });
    expect(pathsIn(state)).toEqual(["main: acme/main", "second: acme/second", "third: acme/third"]);
    enrol(state, "acme/fourth", { name: "second", force: true });
    expect(pathsIn(state)).toEqual(["main: acme/main", "second: acme/fourth", "third: acme/third"]);
  });

  test("is refused before anything is sent where there is one that cannot be read", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    writeFileSync(join(state, "hub.json"), "{");
    expect(() => refuseUnknown(state, false)).toThrow(
      expect.objectContaining({ code: "E_ALREADY_ENROLLED" }),
    );
    refuseUnknown(state, true);
    expect(placeFor(state, siteOf("acme/main"), FORCED).folder).toBe(state);
  });
});

describe("what is in the state directory", () => {
  test("one enrolment that is damaged does not hide the others", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    enrol(state, "acme/second");
    writeFileSync(join(state, "hub.json"), "{");
    const { enrolments, damaged } = readEnrolments(state);
    expect(enrolments.map(({ name, root }) => [name, root])).toEqual([["second", false]]);
    expect(damaged).toEqual([expect.objectContaining({ code: "E_STATE" })]);
    rmSync(join(state, "sites"), { recursive: true });
    expect(() => readEnrolments(state)).toThrow(expect.objectContaining({ code: "E_STATE" }));
  });

  test("what is no enrolment is passed over", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    for (const name of ["empty", "..trick", "a b"])
      mkdirSync(join(state, "sites", name), { recursive: true });
    writeFileSync(join(state, "sites", "file"), "");
    expect(findEnrolments(state)).toMatchObject({ enrolments: [{ name: "main" }], damaged: [] });
  });

  test("a list of further ones that cannot be read does not hide the first", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    writeFileSync(join(state, "sites"), "");
    const { enrolments, damaged } = readEnrolments(state);
    expect(enrolments.map(({ name }) => name)).toEqual(["main"]);
    expect(damaged).toEqual([expect.objectContaining({ code: "E_STATE" })]);
    expect(() => enrol(state, "acme/second")).toThrow(expect.objectContaining({ code: "E_STATE" }));
  });

  test("without any, the agent is told how to be enrolled", () => {
    expect(() => readEnrolments(stateDir())).toThrow(expect.objectContaining({ code: "E_NOT_ENROLLED" }));
  });
});

describe("agent.toml", () => {
  const services = (target: string) => ({ services: { http: `tcp:127.0.0.1:${target}` } });
  /** For each enrolment its name and the port that is its service's target. */
  function targets(settings: object, state: string) {
    const { enrolments } = readEnrolments(state);
    return Object.fromEntries(
      assign(agentConfig.parse(settings), enrolments).map(({ name, config }) => [
        name,
        Object.values(config.services).map(({ text }) => text.split(":")[2]),
      ]),
    );
  }

  test("speaks at its top level of the one site, whatever that is called", () => {
    for (const name of [undefined, "one"]) {
      const state = stateDir();
      enrol(state, "acme/main", name === undefined ? {} : { name });
      expect(Object.values(targets(services("1"), state))).toEqual([["1"]]);
    }
  });

  test("speaks at its top level of the first site only, when a further one comes", () => {
    const state = stateDir();
    enrol(state, "acme/main");
    enrol(state, "acme/also");
    expect(targets(services("1"), state)).toEqual({ main: ["1"], also: [] });
  });

  test("is refused where it cannot be told which site its top level speaks of", () => {
    const state = stateDir();
    enrol(state, "acme/main", { name: "a" });
    enrol(state, "acme/second", { name: "b" });
    expect(() => targets({ ...services("1"), probe: { interval_seconds: 9 } }, state)).toThrow(
      expect.objectContaining({
        code: "E_CONFIG",
        message: expect.stringContaining("a, b"),
        hint: "services: move it to [sites.NAME.services]\nprobe: move it to [sites.NAME.probe]",
      }),
    );
    expect(targets({}, state)).toEqual({ a: [], b: [] });
  });

  test("has a table for each of several sites; one without a table offers nothing", () => {
    const state = stateDir();
    for (const path of ["acme/main", "beta/main", "acme/third"]) enrol(state, path);
    const settings = { sites: { "beta-main": services("2"), main: services("1"), gone: services("4") } };
    expect(targets(settings, state)).toEqual({ main: ["1"], "beta-main": ["2"], third: [] });
    expect(unassigned(agentConfig.parse(settings), readEnrolments(state).enrolments)).toEqual(["gone"]);
  });
});
