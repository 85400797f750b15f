import { describe, expect, onTestFinished, test } from "vitest";
import { LivestatusConnection, rows, type Target } from "../../lab/livestatus.ts";
import { waitFor } from "../../lab/process.ts";
import { converse, HALF_CLOSE, type Step, visit } from "./client.ts";
import { compare } from "./compare.ts";
import { DOORS, type Stage, suite } from "./stage.ts";

const FIXED = "ResponseHeader: fixed16\n";
const KEPT = "KeepAlive: on\n";
const QUERY = "GET hosts\nColumns: name state plugin_output\nLimit: 20\n";
const LARGE = "GET services\nColumns: host_name description state plugin_output perf_data\n";

const PIPELINE = `${QUERY}${KEPT}${FIXED}\n${LARGE}${KEPT}${FIXED}\n`;

/** What is said, and how the core is known to take it: answers by their codes, or no byte at all. */
const CONVERSATIONS: Record<string, { steps: Step[]; codes?: number[]; silent?: true }> = {
  "a query": { steps: [`${QUERY}\n`] },
  "a query with a header": { steps: [`${QUERY}${FIXED}\n`], codes: [200] },
  "a query, then half-close": { steps: [`${QUERY}\n`, HALF_CLOSE] },
  "a query and half-close at once": { steps: [`${QUERY}${KEPT}${FIXED}\n`, HALF_CLOSE], codes: [200] },
  "a large answer after half-close": { steps: [`${LARGE}${FIXED}\n`, HALF_CLOSE], codes: [200] },
  "a query in two writes": {
    steps: ["GET hosts\nColumns: na", `me state\nLimit: 20\n${FIXED}\n`],
    codes: [200],
  },
  "a query, then its empty line": { steps: [`${QUERY}${FIXED}`, "\n"], codes: [200] },
  "a query byte by byte": { steps: [...`GET status\nColumns: num_hosts\n${FIXED}\n`], codes: [200] },
  "CRLF line ends": { steps: [`${QUERY}${FIXED}\n`.replaceAll("\n", "\r\n")], codes: [200] },
  "no empty line, then half-close": { steps: [QUERY, HALF_CLOSE], silent: true },
  "no line end, then half-close": { steps: ["GET hosts", HALF_CLOSE], silent: true },
  "nothing but half-close": { steps: [HALF_CLOSE], silent: true },
  "an empty query": { steps: ["\n"], silent: true },
  "a bad verb": { steps: [`GRAB hosts\n${FIXED}\n`], silent: true },
  "no table": { steps: ["GET\n\n"], silent: true },
  "no text at all": { steps: [Buffer.from("00010200fffe0d0a0a0a", "hex")], silent: true },
  "an unknown table": { steps: [`GET nosuch\n${FIXED}\n`], codes: [404] },
  "an unknown table without a header": { steps: ["GET nosuch\n\n"], silent: true },
  "an unknown column": { steps: [`GET hosts\nColumns: name nosuch\n${FIXED}\n`], codes: [452] },
  "an unknown column without a header": { steps: ["GET hosts\nColumns: nosuch\n\n"], silent: true },
  "a filter of an unknown column": { steps: [`GET hosts\nFilter: nosuch = 1\n${FIXED}\n`], codes: [452] },
  "a malformed filter": { steps: [`GET hosts\nFilter: name\n${FIXED}\n`], silent: true },
  "And without filters": { steps: [`GET hosts\nAnd: 3\n${FIXED}\n`], silent: true },
  "an unknown statistic": { steps: [`GET hosts\nStats: guess state\n${FIXED}\n`], codes: [452] },
  "a limit that is no number": { steps: [`GET hosts\nLimit: some\n${FIXED}\n`], silent: true },
  "an unknown line": { steps: [`${QUERY}Pretty: please\n${FIXED}\n`], codes: [200] },
  "a very long line": {
    steps: [`GET hosts\nFilter: name = ${"x".repeat(300_000)}\n${FIXED}\n`],
    codes: [200],
  },
  "an error, then a query on the kept connection": {
    steps: [`GET nosuch\n${KEPT}${FIXED}\n`, `${QUERY}${FIXED}\n`],
    codes: [404, 200],
  },
  "two queries on a kept connection": {
    steps: [`${LARGE}${KEPT}${FIXED}\n`, `${QUERY}${FIXED}\n`],
    codes: [200, 200],
  },
  "pipelined queries": {
    steps: [PIPELINE.repeat(10), `${QUERY}${FIXED}\n`],
    codes: Array(21).fill(200),
  },
  "pipelined queries, then half-close": {
    steps: [`${QUERY}${KEPT}${FIXED}\n`.repeat(50), HALF_CLOSE],
    codes: Array(50).fill(200),
  },
  "a second query where the first has ended the connection": {
    steps: [`${QUERY}${FIXED}\n${QUERY}${FIXED}\n`],
    codes: [200],
  },
  "a command, then half-close": { steps: ["COMMAND [0] NO_SUCH_COMMAND;x\n\n", HALF_CLOSE], silent: true },
  "a command, then a query": {
    steps: ["COMMAND [0] NO_SUCH_COMMAND;x\n\n", `${QUERY}${FIXED}\n`],
    codes: [200],
  },
  "query, command, query in one": {
    steps: [`${QUERY}${KEPT}${FIXED}\nCOMMAND [0] NO_SUCH_COMMAND;x\n\n${QUERY}${FIXED}\n`],
    codes: [200, 200],
  },
};

await suite("Livestatus conversations", {}, (stage) => {
  describe("go as with the core, to the byte and to the way they end", () => {
    test.each(Object.entries(CONVERSATIONS))("%s", async (_, { steps, codes, silent }) => {
      const { expected, differing } = await compare(stage(), steps);
      expect(differing).toEqual([]);
      expect(expected.ending).toBe("closed");
      // that it is the conversation it is meant to be
      if (silent) expect(expected.bytes.toString("latin1")).toBe("");
      else if (codes) expect(codesOf(expected.bytes)).toEqual(codes);
      else expect(expected.bytes.toString().trim().split("\n")).toHaveLength(20);
    });
  });

  describe("stay open as with the core", () => {
    const everywhere = (name: string, check: (target: Target) => Promise<void>) =>
      test(name, async () => {
        const { core, coreTcp, doors } = stage();
        for (const target of [core, coreTcp, ...doors.map((door) => door.target)]) await check(target);
      });

    everywhere("without the empty line, for the rest of the query", async (target) => {
      const client = visit(target).send("GET status\nColumns: num_hosts\n");
      // the core has it by now: it has answered a query that was sent later
      await converse(target, `${QUERY}\n`);
      expect(client.received).toBe(0);
      expect((await client.send("\n").outcome).bytes.toString()).toBe("300\n");
    });

    everywhere("after a command, which has no answer", async (target) => {
      const client = visit(target).send("COMMAND [0] NO_SUCH_COMMAND;x\n\n");
      await converse(target, `${QUERY}\n`);
      expect(client.received).toBe(0);
      expect((await client.send("GET status\nColumns: num_hosts\n\n").outcome).bytes.toString()).toBe(
        "300\n",
      );
    });

    everywhere("with KeepAlive, and each answer comes while they do", async (target) => {
      const connection = kept(target);
      for (const limit of [1, 2, 300, 3, 4]) {
        connection.send(`GET hosts\nColumns: name\nLimit: ${limit}\nOutputFormat: json\n${KEPT}${FIXED}\n`);
        const { code, body } = await connection.response();
        expect([code, JSON.parse(body.toString()).length]).toEqual([200, limit]);
      }
      connection.finish();
      expect(await connection.rest()).toHaveLength(0);
    });
  });

  describe("commands take effect", () => {
    const everyDoor = (name: string, check: (stage: Stage, target: Target, host: string) => Promise<void>) =>
      test.each(DOORS)(`${name}, by %s`, async (door) => {
        await check(stage(), stage().door(door), stage().site.hosts[DOORS.indexOf(door)]?.name ?? "");
      });

    everyDoor("alone, on a connection that is half-closed", async ({ core }, target, host) => {
      const { bytes, ending } = await converse(target, command(host, "allein, über den Tunnel"), HALF_CLOSE);
      expect([bytes.length, ending]).toEqual([0, "closed"]);
      await output(core, host, "allein, über den Tunnel");
    });

    everyDoor("without any line end, when the connection is half-closed", async ({ core }, target, host) => {
      await converse(target, command(host, "ohne Zeilenende").trimEnd(), HALF_CLOSE);
      await output(core, host, "ohne Zeilenende");
    });

    everyDoor("between queries of one kept connection, in order", async (_, target, host) => {
      const connection = kept(target);
      const query = `GET hosts\nColumns: plugin_output\nFilter: name = ${host}\n${KEPT}${FIXED}\n`;
      connection.send(`${query}${command(host, "dazwischen")}${query}`);
      const [before, after] = [await connection.response(), await connection.response()];
      expect(before.body.toString()).not.toBe("dazwischen\n");
      expect(after.body.toString()).toBe("dazwischen\n");
    });

    everyDoor("all of many in one go", async ({ core, site }, target, host) => {
      const text = `Nummer für ${host}`;
      const all = site.hosts.map((each, number) => command(each.name, `${text}: ${number}`)).join("");
      await converse(target, all, HALF_CLOSE);
      await waitFor(
        "every host to say so",
        async () => {
          const said = await rows(
            core,
            `GET hosts\nColumns: name\nFilter: plugin_output ~ ^${text}: [0-9]*$`,
          );
          return said.length === site.hosts.length;
        },
        { withinMs: 10_000 },
      );
      const said = new Map(
        (await rows(core, "GET hosts\nColumns: name plugin_output")) as [string, string][],
      );
      expect(site.hosts.map((each) => said.get(each.name))).toEqual(
        site.hosts.map((_, number) => `${text}: ${number}`),
      );
    });
  });
});

function kept(target: Target): LivestatusConnection {
  const connection = new LivestatusConnection(target);
  onTestFinished(() => connection.close());
  return connection;
}

function command(host: string, output: string): string {
  return `COMMAND [${Math.floor(Date.now() / 1_000)}] PROCESS_HOST_CHECK_RESULT;${host};1;${output}\n\n`;
}

/** Waits until the core says so of a host. */
async function output(core: Target, host: string, text: string): Promise<void> {
  await expect
    .poll(() => rows(core, `GET hosts\nColumns: plugin_output\nFilter: name = ${host}`), { timeout: 10_000 })
    .toEqual([[text]]);
}

/** The codes of answers under `ResponseHeader: fixed16`, one behind the other. */
function codesOf(bytes: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [, code, length] = /^(\d{3}) +(\d+)\n$/.exec(bytes.toString("latin1", at, at + 16)) ?? [];
    if (length === undefined) throw new Error(`no header at ${at}`);
    codes.push(Number(code));
    at += 16 + Number(length);
  }
  return codes;
}
