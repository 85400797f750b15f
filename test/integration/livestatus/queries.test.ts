import { beforeAll, expect, test } from "vitest";
import { ask, rows, type Target } from "../../lab/livestatus.ts";
import { waitFor } from "../../lab/process.ts";
import { Dice } from "../../unit/session/rig.ts";
import { sha256 } from "./client.ts";
import { compare } from "./compare.ts";
import { learn, question, VOLATILE } from "./matrix.ts";
import { type Stage, suite } from "./stage.ts";

/** How many questions each table is asked. */
const TABLES = {
  hosts: 54,
  services: 54,
  hostgroups: 27,
  servicegroups: 27,
  contacts: 18,
  contactgroups: 9,
  status: 18,
  comments: 18,
  downtimes: 18,
  log: 18,
  commands: 18,
  timeperiods: 18,
  hostsbygroup: 18,
  servicesbyhostgroup: 9,
} as const;
const SEED = 20_260;

await suite("Livestatus queries", {}, (stage) => {
  beforeAll(() => furnish(stage()));

  test("asked twice, the core gives the same rows in the same order, but for what changes by itself", async () => {
    const { core } = stage();
    for (const table of Object.keys(TABLES)) {
      const query = `GET ${table}\nColumnHeaders: on\nLimit: 500`;
      const [[head = [], ...first], [, ...second]] = [await rows(core, query), await rows(core, query)];
      expect(first.length, table).toBeGreaterThan(0);
      expect(second.length, table).toBe(first.length);
      const varying = head.filter((_, at) =>
        first.some((row, line) => JSON.stringify(row[at]) !== JSON.stringify(second[line]?.[at])),
      );
      expect(
        varying.filter((column) => !VOLATILE.test(String(column))),
        table,
      ).toEqual([]);
    }
  });

  test.each(Object.entries(TABLES))(
    "GET %s: %i generated queries answer at the endpoints to the byte as at the core",
    async (name, count) => {
      const table = await learn(stage().core, name);
      const seed = SEED + Object.keys(TABLES).indexOf(name);
      const dice = new Dice(seed);
      const differences: unknown[] = [];
      const answers = new Set<string>();
      for (let number = 0; number < count; number++) {
        const { text, steps } = question(table, number + seed, dice);
        const { expected, differing } = await compare(stage(), steps);
        answers.add(sha256(expected.bytes));
        differences.push(...differing.map((difference) => ({ text, ...difference })));
      }
      expect(differences).toEqual([]);
      // answers that are all alike, such as empty ones, would prove nothing
      expect(answers.size).toBeGreaterThan(count / 3);
    },
  );
});

/** Fills the tables that are empty at first. */
async function furnish({ core, site }: Stage): Promise<void> {
  const now = Math.floor(Date.now() / 1_000);
  const [first, second, third] = site.hosts.map((host) => host.name);
  const commands = [
    `ADD_HOST_COMMENT;${first};1;Jürgen;Größe prüfen; dann weiter`,
    `ADD_SVC_COMMENT;${second};Memory;0;admin;"zitiert" und \\ rückwärts`,
    `SCHEDULE_HOST_DOWNTIME;${second};${now};${now + 7_200};1;0;7200;Zoë;Wartung`,
    `SCHEDULE_SVC_DOWNTIME;${third};CPU load;${now};${now + 7_200};1;0;7200;admin;Umbau`,
    `PROCESS_SERVICE_CHECK_RESULT;${first};CPU load;2;CRITICAL - zu viel\\nzweite Zeile|load15=99;4;8`,
    `PROCESS_HOST_CHECK_RESULT;${third};1;DOWN - fort`,
  ];
  await ask(core, commands.map((text) => `COMMAND [${now}] ${text}\n\n`).join(""), { halfClose: true });
  await waitFor("comments, downtimes and a log", () => furnished(core, third ?? ""), { withinMs: 10_000 });
}

async function furnished(core: Target, host: string): Promise<boolean> {
  const count = async (query: string) => (await rows(core, query)).length;
  return (
    (await count("GET comments\nColumns: id")) >= 2 &&
    (await count("GET downtimes\nColumns: id")) >= 2 &&
    (await count(`GET log\nColumns: message\nFilter: message ~ HOST ALERT: ${host}\nLimit: 1`)) === 1
  );
}
