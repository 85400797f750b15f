import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { addKeys, moveTables } from "../../../common/config/index.ts";

const SERVICES = ["services"];
const FILE = `# who wrote this, and why

[services] # what is open
# livestatus = "unix:/omd/sites/SITE/tmp/run/live"
http = "tcp:127.0.0.1:5000" # the site's own

# the next one's comment
[log]
level = "debug"
`;

describe("keys are added", () => {
  test("behind those of their table, and all else stays to the letter", () => {
    const text = addKeys(FILE, SERVICES, { livestatus: "unix:/run/l", ec: "tcp:[::1]:6558" });
    expect(text).toBe(FILE.replace("own\n", 'own\nlivestatus = "unix:/run/l"\nec = "tcp:[::1]:6558"\n'));
  });

  test("behind the table's head when it has no keys yet", () => {
    expect(addKeys("[services]\n# a = 1\n\n[log]\n", SERVICES, { a: "x" })).toBe(
      '[services]\na = "x"\n# a = 1\n\n[log]\n',
    );
  });

  test.each([
    ["", '[services]\na = "x"\n'],
    ["\n\n", '[services]\na = "x"\n'],
    ["[log]\n\n\n", '[log]\n\n[services]\na = "x"\n'],
    ["# no newline", '# no newline\n\n[services]\na = "x"\n'],
  ])("in a new table at the end of %j", (before, after) => {
    expect(addKeys(before, SERVICES, { a: "x" })).toBe(after);
  });

  test("in a table of a table, however its head is written", () => {
    for (const head of [
      "[sites.main.services]",
      '[ sites . "main" . services ]',
      "  [sites.'main'.services] # x",
    ]) {
      const text = addKeys(`[sites.other.services]\nb = "1"\n${head}\n`, ["sites", "main", "services"], {
        a: "x",
      });
      expect(text.endsWith(`${head}\na = "x"\n`)).toBe(true);
    }
    expect(addKeys("", ["sites", "a b", "services"], { a: "x" })).toBe('[sites."a b".services]\na = "x"\n');
  });

  test("with what a value must be quoted for", () => {
    const text = addKeys("", SERVICES, { a: 'say "hi"\\\n' });
    expect(parse(text)).toEqual({ services: { a: 'say "hi"\\\n' } });
  });

  test("that are none change nothing", () => {
    expect(addKeys(FILE, SERVICES, {})).toBe(FILE);
  });
});

describe("a text that says otherwise than its lines is left alone:", () => {
  test.each([
    ["a table within a line", 'services = { http = "x" }\n'],
    ["keys with dots", 'services.http = "x"\n'],
    ["a head within a text", 'note = """\n[services]\n"""\n'],
    ["an array of tables", "[[services]]\na = 1\n"],
  ])("%s", (_, text) => {
    expect(() => addKeys(text, SERVICES, { a: "x" })).toThrow(expect.objectContaining({ code: "E_CONFIG" }));
  });

  test("also when tables are moved", () => {
    for (const text of [
      'services = { http = "x" }\n',
      'note = """\n[services]\n"""\n[services]\nhttp = "x"\n',
    ]) {
      expect(() => moveTables(text, SERVICES, ["sites", "main"])).toThrow(
        expect.objectContaining({ code: "E_CONFIG" }),
      );
    }
  });
});

test("tables are moved with their comments, and others stay", () => {
  expect(moveTables(FILE, ["services", "probe"], ["sites", "main"])).toBe(
    FILE.replace("[services]", "[sites.main.services]"),
  );
  expect(moveTables("[a.b]\nx = 1\n[a]\ny = 2\n", ["a"], ["s"])).toBe("[s.a.b]\nx = 1\n[s.a]\ny = 2\n");
});
