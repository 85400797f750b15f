import { expect, test } from "vitest";
import { parsePython } from "../../../common/python/index.ts";
import { readNotification, spoolFile } from "../../../hub/inbox/notify/index.ts";

const none = () => undefined;

function read(context: unknown, prefix: (tenant: string) => string | undefined = none): Map<string, string> {
  const body = Buffer.from(JSON.stringify({ context }));
  return readNotification({ tenant: "acme", site: "main", body }, prefix);
}

test("macros arrive as they were sent, in order, with the site that sent them", () => {
  expect([...read({ HOSTNAME: "h1", "HOSTLABEL_cmk/os": "linux", OMD_SITE: "other" })]).toEqual([
    ["HOSTNAME", "h1"],
    ["HOSTLABEL_cmk/os", "linux"],
    ["OMD_SITE", "main"],
  ]);
});

test.each(["HOSTNAME", "SERVICEDESC", "CONTACTNAME", "NOTIFICATIONTYPE", "WHAT"])(
  "%s with a line break or a NUL in it is refused",
  (name) => {
    for (const character of ["\n", "\r", "\0", "\x1b", "\u2028", "\x85"]) {
      expect(() => read({ HOSTNAME: "h", [name]: `a${character}COMMAND [1] X` })).toThrow(
        `${name} has control`,
      );
    }
  },
);

test.each(["HOSTNAME", "SERVICEDESC", "CONTACTNAME"])("%s that leads out of a folder is refused", (name) => {
  for (const way of ["../../etc/cron.d/x", "a/../../b", "/..", "..", "."]) {
    expect(() => read({ HOSTNAME: "h", [name]: way }), way).toThrow(`${name} leads out of a folder`);
  }
  for (const fine of ["Filesystem /var/log", "a..b", "v1.2/3.4", "/"]) read({ HOSTNAME: "h", [name]: fine });
});

test("other texts are made harmless: line breaks as cores write them, no other control characters", () => {
  const output = "first\nCOMMAND [1] SHUTDOWN_PROGRAM\n\0\x1b[0m";
  const context = read({ HOSTNAME: "h", SERVICEOUTPUT: output, LONGSERVICEOUTPUT: "a\nb\0" });
  expect(context.get("SERVICEOUTPUT")).toBe("first\\nCOMMAND [1] SHUTDOWN_PROGRAM\\n  [0m");
  expect(context.get("LONGSERVICEOUTPUT")).toBe("a\nb ");
});

test.each([
  ["a line break", "A\nB"],
  ["an equals sign", "LD_PRELOAD=x"],
  ["a NUL", "A\0"],
  ["nothing", ""],
  ["too many characters", "A".repeat(257)],
])("a macro's name with %s in it is refused", (_, name) => {
  expect(() => read({ HOSTNAME: "h", [name]: "x" })).toThrow("name");
});

test.each([
  ["no JSON", "x"],
  ["null", "null"],
  ["no context", "{}"],
  ["a list", '{"context": ["a"]}'],
  ["a number as a macro", '{"context": {"HOSTNAME": 1}}'],
  ["no host", '{"context": {"WHAT": "HOST"}}'],
  [
    "too many macros",
    JSON.stringify({ context: Object.fromEntries([...Array(2001).keys()].map((n) => [`A${n}`, ""])) }),
  ],
])("%s is refused", (_, text) => {
  expect(() => readNotification({ tenant: "acme", site: "main", body: Buffer.from(text) }, none)).toThrow(
    Error,
  );
});

test("a tenant's host names begin as the operator says, and another's are refused", () => {
  const prefix = (tenant: string) => (tenant === "acme" ? "acme-" : undefined);
  expect(read({ HOSTNAME: "acme-h" }, prefix).get("HOSTNAME")).toBe("acme-h");
  expect(() => read({ HOSTNAME: "globex-h" }, prefix)).toThrow("does not begin with acme-");
});

test("the spool file is a Python literal in ASCII that says the same", () => {
  const context = read({ HOSTNAME: "h\"'\\", SERVICEOUTPUT: "ä \u{1F600} {file}", __proto: "x" });
  const file = spoolFile(context).toString("latin1");
  expect(file).toMatch(/^[\n -~]+$/);
  const value = parsePython(file, { length: 10_000, depth: 3, values: 100 });
  expect(value).toEqual(new Map([["context", context]]));
});

test("a macro called __proto__ is a macro", () => {
  const body = Buffer.from('{"context": {"HOSTNAME": "h", "__proto__": "x"}}');
  expect(readNotification({ tenant: "acme", site: "main", body }, none).get("__proto__")).toBe("x");
});
