import { describe, expect, test } from "vitest";
import type { Target } from "../../lab/livestatus.ts";
import { sha256 } from "./client.ts";
import { peer, perl, remark, remarked, run } from "./programs.ts";
import { DOORS, type Stage, suite } from "./stage.ts";

const PACKAGES = ["perl", "libmonitoring-livestatus-perl", "netcat-openbsd", "socat"];

await suite("Livestatus with real clients", { packages: PACKAGES }, (stage) => {
  describe("Monitoring::Livestatus (Perl)", () => {
    const measures = new Map<string, Record<string, unknown>>();

    /** What the client is given at the core's own socket of the same kind: it treats the two differently. */
    async function measure(at: Stage, target: Target, keepalive: boolean): Promise<Record<string, unknown>> {
      const own = "unix" in target ? at.core : at.coreTcp;
      const key = `${peer(own)} ${keepalive}`;
      const known = measures.get(key) ?? (await perl(peer(own), keepalive, remark(at, "direct")));
      measures.set(key, known);
      return known;
    }

    describe.each([
      ["keepalive on", true],
      ["keepalive off", false],
    ] as const)("%s", (name, keepalive) => {
      test.each(DOORS)("is given the same by %s as by the core", async (door) => {
        const target = stage().door(door);
        const said = `gesagt über ${door}, ${name}`;
        const got = await perl(peer(target), keepalive, remark(stage(), said));
        await expect.poll(() => remarked(stage()), { timeout: 10_000 }).toBe(said);
        expect(got).toEqual(await measure(stage(), target, keepalive));
        expect(got.services).toHaveLength(3_000);
        expect(Object.keys(got.hosts as object)).toHaveLength(300);
        expect(got.error).toEqual([404, "Table 'nosuch' does not exist."]);
        expect(got.small).toHaveLength(9);
        expect(got.done).toBe(1);
      });
    });
  });

  describe("programs that half-close behind their input", () => {
    const query = "GET services\nColumns: host_name description state plugin_output\nOutputFormat: json\n";
    const programs: Record<string, (target: Target) => string[]> = {
      nc: (target) => [
        "nc",
        "-N",
        ...("unix" in target ? ["-U", target.unix] : [target.host, `${target.port}`]),
      ],
      socat: (target) => [
        ...["socat", "-t", "30", "-"],
        "unix" in target ? `UNIX-CONNECT:${target.unix}` : `TCP:${target.host}:${target.port}`,
      ],
    };
    const cases = Object.entries(programs).flatMap(([name, line]) =>
      ["", "KeepAlive: on\n"].map((header) => ({ title: `${name} ${header}`.trim(), line, header })),
    );

    test.each(cases.map((each) => [each.title, each] as const))("%s", async (_, { line, header }) => {
      const { core, doors, site } = stage();
      const expected = await run(line(core), `${query}${header}\n`);
      expect(JSON.parse(expected.toString())).toHaveLength(10 * site.hosts.length);
      for (const { name, target } of doors) {
        const got = await run(line(target), `${query}${header}\n`);
        expect({ name, length: got.length, sha256: sha256(got) }).toEqual({
          name,
          length: expected.length,
          sha256: sha256(expected),
        });
      }
    });
  });
});
