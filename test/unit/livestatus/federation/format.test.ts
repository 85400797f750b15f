import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { formatOf } from "../../../../hub/livestatus/federation/format.ts";
import type { FormatName } from "../../../../hub/livestatus/federation/query.ts";
import type { Row } from "../../../../hub/livestatus/federation/value.ts";

const USUAL = { row: "\n", field: ";", list: ",", pair: "|" };
const ROW: Row = [
  'Größe "🙂" \\ \n;,|',
  1.5,
  -3,
  null,
  true,
  ["a", "b"],
  [
    ["h", "s"],
    ["h2", "s2", 1],
  ],
  { k: "v", l: "w" },
];

function write(format: FormatName, rows: readonly Row[], header?: Row, separators = USUAL): string {
  const writer = formatOf(format, separators);
  const failed = new Map([["acme/two", 'not "there"']]);
  return [
    writer.begin(header),
    ...rows.map((row) => writer.row(row)),
    writer.end({ failed, total: 7, scanned: 9 }),
  ].join("");
}

test("csv has no quoting, and the separators that were asked for", () => {
  expect(write("csv", [ROW], ["x"])).toBe('x\nGröße "🙂" \\ \n;,|;1.5;-3;;1;a,b;h|s,h2|s2|1;k|v,l|w\n');
  expect(
    write("csv", [["a", ["b", "c"], [["d", "e"]]]], undefined, {
      row: "\0",
      field: "\x01",
      list: "\x02",
      pair: "\x03",
    }),
  ).toBe("a\x01b\x02c\x01d\x03e\0");
});

test("CSV quotes as RFC 4180", () => {
  expect(write("CSV", [['a"b', ["c", 'd"'], 1]], ["x", "y", "z"])).toBe(
    '"x","y","z"\r\n"a""b","c,d""","1"\r\n',
  );
});

test("json is what it was", () => {
  expect(JSON.parse(write("json", [ROW, ROW]))).toEqual([ROW, ROW]);
  expect(JSON.parse(write("json", [ROW], ["x"]))).toEqual([["x"], ROW]);
  expect(JSON.parse(write("json", []))).toEqual([]);
  expect(JSON.parse(write("json", [], ["x"]))).toEqual([["x"]]);
});

test("wrapped_json says beside the rows what is missing and how many there were", () => {
  const rest = { failed: { "acme/two": 'not "there"' }, rows_scanned: 9, total_count: 7 };
  expect(JSON.parse(write("wrapped_json", [ROW, ROW], ["x"]))).toEqual({
    data: [ROW, ROW],
    columns: ["x"],
    ...rest,
  });
  expect(JSON.parse(write("wrapped_json", []))).toEqual({ data: [], ...rest });
});

test.each(["python", "python3"] as const)("%s is ASCII", (format) => {
  const text = write(format, [ROW], ["ü"]);
  expect(text).toMatch(/^[\n -~]*$/);
  expect(text).toContain(format === "python" ? 'u"Gr\\u00f6\\u00dfe' : '["Gr\\u00f6\\u00dfe');
});

test.each(["json", "wrapped_json"] as const)("%s is ASCII, and means the same", (format) => {
  const text = write(format, [ROW, ["🚀 ü\u2028"]], ["ü"]);
  expect(text).toMatch(/^[\n -~]*$/);
  expect(text).toContain("Gr\\u00f6\\u00dfe");
  const read = JSON.parse(text) as unknown[] | { data: unknown[] };
  expect(Array.isArray(read) ? read.slice(1) : read.data).toEqual([ROW, ["🚀 ü\u2028"]]);
});

const python = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!python).each(["python", "python3"] as const)("Python reads %s as what it was", (format) => {
  const program = "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))";
  const { stdout } = spawnSync("python3", ["-c", program], { input: write(format, [ROW, []], ["x"]) });
  expect(JSON.parse(stdout.toString())).toEqual([["x"], ROW, []]);
});
