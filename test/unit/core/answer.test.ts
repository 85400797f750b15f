import { expect, test } from "vitest";
import { COLUMNS, MAX_ANSWER, parseAnswer, question } from "../../../agent/core/answer.ts";
import { calm, errno, fixed16, icinga, manners, UNKNOWN_COLUMN, watchRig } from "./rig.ts";

const [CHECKMK, NAGIOS, LEAST] = COLUMNS;

function parse(text: string, columns: (typeof COLUMNS)[number] = NAGIOS) {
  return parseAnswer(Buffer.from(text), columns);
}

test("the question is a whole query that keeps no connection of the core", () => {
  expect(question(LEAST)).toBe(
    "GET status\nColumns: program_start\nColumnHeaders: off\nOutputFormat: json\nResponseHeader: fixed16\n\n",
  );
  for (const columns of COLUMNS) expect(question(columns)).not.toContain("KeepAlive");
});

test("an answer is read when it is whole, and not before", () => {
  const text = icinga();
  for (let length = 0; length < text.length; length++) expect(parse(text.slice(0, length))).toBeUndefined();
  expect(parse(text)).toMatchObject({ kind: "core", core: { started: 1_790_000_000, pid: 4711 } });
});

test("a column that a core does not have is left out", () => {
  expect(parse(fixed16(200, '[[1790000000,null,"2.3.0","Check_MK 2.3.0",null,-1]]'), CHECKMK)).toEqual({
    kind: "core",
    core: { started: 1_790_000_000, program: "Check_MK 2.3.0", livestatus: "2.3.0" },
  });
  expect(parse(fixed16(200, "[[1790000000.5]]"), LEAST)).toEqual({
    kind: "core",
    core: { started: 1_790_000_000.5, program: "", livestatus: "" },
  });
});

test("releases are cut, and made fit for a line", () => {
  const row = [[1, 2, "a\nb\u001b[31m", "x".repeat(100), 3, 4]];
  expect(parse(fixed16(200, JSON.stringify(row)))).toMatchObject({
    core: { livestatus: "a?b?[31m", program: "x".repeat(64) },
  });
});

test.each([
  ["a short greeting", "+OK"],
  ["a single letter", "2x"],
  ["HTTP", "HTTP/1.1 400 Bad Request\r\n"],
  ["the notification spooler's greeting", "x".repeat(16)],
  ["a header without a length", "200             \n"],
  ["a header with a sign", "200          -1\n"],
  ["a header without its space", "2000         12\n"],
  ["too long an answer", `200 ${String(MAX_ANSWER + 1).padStart(11)}\n`],
  ["another error", fixed16(404, "Table 'status' does not exist.\n")],
  ["a core that shuts down", fixed16(413, "core is shutting down\n")],
  ["no JSON", fixed16(200, "1790000000;4711\n")],
  ["no row", fixed16(200, "[]")],
  ["two rows", fixed16(200, "[[1,2,3,4,5,6],[1,2,3,4,5,6]]")],
  ["a row with too few columns", fixed16(200, "[[1790000000]]")],
  ["a row that is none", fixed16(200, '["abcdef"]')],
  ["a start that is none", fixed16(200, '[["1790000000",1,"","",1,1]]')],
  ["a start before all time", fixed16(200, '[[-1,1,"","",1,1]]')],
  ["a start after all time", fixed16(200, '[[1e300,1,"","",1,1]]')],
  ["an object", fixed16(200, '{"data":[]}')],
])("%s is no answer of a core", (_, text) => {
  expect(parse(text)?.kind).toBe("invalid");
});

test("a core is asked for fewer columns until it knows them all, and from then on at once for those", async () => {
  const rig = watchRig();
  rig.watch.start();
  await calm();
  expect(rig.sockets.map(({ received }) => received)).toEqual([question(CHECKMK), question(NAGIOS)]);
  await rig.pass(10_000);
  expect(rig.sockets.length).toBeGreaterThan(4);
  expect(new Set(rig.sockets.slice(2).map(({ received }) => received))).toEqual(new Set([question(NAGIOS)]));
  rig.watch.stop();
});

test("a core that knows no column at all is asked once for each set, and is invalid", async () => {
  const rig = watchRig();
  rig.core.manner = manners.says(UNKNOWN_COLUMN);
  rig.watch.start();
  await calm();
  expect(rig.sockets).toHaveLength(COLUMNS.length);
  expect(rig.told).toMatchObject([{ state: "dead", cause: "invalid" }]);
  rig.watch.stop();
});

test.each([
  ["closes without an answer", manners.says(""), "stopped", "closed the connection without an answer"],
  [
    "closes in the middle of it",
    manners.says(icinga().slice(0, 30)),
    "invalid",
    "closed the connection in the middle of its answer",
  ],
  [
    "sends something else",
    manners.says("SSH-2.0-OpenSSH_9.2\r\n"),
    "invalid",
    "the answer is not Livestatus",
  ],
])("what %s is no core, and its connection is closed", async (_, manner, cause, reason) => {
  const rig = watchRig();
  rig.core.manner = manner;
  rig.watch.start();
  await calm();
  expect(rig.told).toMatchObject([{ state: "dead", cause, reason }]);
  expect(rig.sockets.every((socket) => socket.destroyed)).toBe(true);
  rig.watch.stop();
});

test("what sends without end is cut off", async () => {
  const rig = watchRig();
  rig.core.manner = (socket) => {
    socket.connect();
    socket.answer(`200 ${String(MAX_ANSWER).padStart(11)}\n`);
    const pour = () => {
      if (socket.destroyed) return;
      socket.answer("x".repeat(10_000));
      setImmediate(pour);
    };
    pour();
  };
  rig.watch.start();
  await calm();
  expect(rig.told).toMatchObject([{ state: "dead", cause: "invalid" }]);
  expect(rig.sockets[0]?.destroyed).toBe(true);
  expect(rig.sockets[0]?.bytesRead).toBeLessThan(2 * MAX_ANSWER);
  rig.watch.stop();
});

test("a reason from the system that is long or strange is cut and made fit for a line", async () => {
  const rig = watchRig();
  rig.core.manner = (socket) => void socket.destroy(errno("EWHAT", `a\nb${"x".repeat(500)}`));
  rig.watch.start();
  await calm();
  expect(rig.told).toMatchObject([{ state: "dead", reason: `a?b${"x".repeat(197)}` }]);
  rig.watch.stop();
});
