import { afterEach, expect, test, vi } from "vitest";
import { type Log, type LogLevel, MemoryLog, openLog, silentLog } from "../../common/log.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** What `write` puts on standard error. */
function written(write: (log: Log) => void, options: { journald?: boolean; level?: LogLevel } = {}): string {
  vi.stubEnv("JOURNAL_STREAM", options.journald ? "8:1234" : undefined);
  let text = "";
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  write(openLog("farsite-test", options.level ?? "debug"));
  return text;
}

test("a line has time, level, message and fields", () => {
  expect(
    written((log) => log.info("agent connected", { site: "acme/main", peer: "::1", ok: true, n: 3 })),
  ).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info {4}agent connected site=acme\/main peer=::1 ok=true n=3\n$/);
});

test.each([
  ["debug", 7],
  ["info", 6],
  ["warn", 4],
  ["error", 3],
] as const)(
  "under journald a line of level %s starts with its priority and has no time",
  (method, priority) => {
    expect(written((log) => log[method]("hello", { a: 1 }), { journald: true })).toBe(
      `<${priority}>hello a=1\n`,
    );
  },
);

test("lines below the level are left out", () => {
  const all = (log: Log) => {
    log.debug("one");
    log.info("two");
    log.warn("three");
    log.error("four");
  };
  expect(written(all, { level: "warning", journald: true })).toBe("<4>three\n<3>four\n");
});

test("a field that is undefined is left out", () => {
  expect(written((log) => log.info("x", { reason: undefined, a: 1 }), { journald: true })).toBe("<6>x a=1\n");
});

test("fields given with `with` come on every line", () => {
  const text = written(
    (log) => {
      const site = log.with({ site: "acme/main" });
      site.info("one");
      site.warn("two", { code: "E_LIMIT" });
    },
    { journald: true },
  );
  expect(text).toBe("<6>one site=acme/main\n<4>two site=acme/main code=E_LIMIT\n");
});

test("values that are not plain words are quoted, so that they cannot pose as other fields", () => {
  const text = written((log) => log.info("x", { host: 'a b" code=E_OK', empty: "", sign: "a=b" }), {
    journald: true,
  });
  expect(text).toBe('<6>x host="a b\\" code=E_OK" empty="" sign="a=b"\n');
});

test.each([
  ["a newline", "\n"],
  ["a carriage return", "\r"],
  ["an escape sequence", "\x1b[2J"],
  ["a NUL", "\0"],
  ["a next line (C1)", "\u0085"],
  ["a control sequence introducer (C1)", "\u009b31m"],
])("%s in a message or a field makes no second line and reaches no terminal", (_, control) => {
  const forged = `a${control}<0>2026-01-01 error forged`;
  for (const journald of [true, false]) {
    const text = written((log) => log.info(forged, { host: forged }), { journald });
    expect(text.split("\n")).toHaveLength(2);
    expect(text.slice(0, -1)).not.toMatch(/\p{Cc}/u);
  }
});

test("a message with braces is printed as it is", () => {
  expect(written((log) => log.info("{host} {0}", { host: "h" }), { journald: true })).toBe(
    "<6>{host} {0} host=h\n",
  );
});

test("the log in memory keeps level, message and fields; the silent one nothing", () => {
  const log = new MemoryLog();
  log.with({ site: "a/b" }).warn("lost", { n: 1 });
  log.debug("seen");
  expect(log.lines).toEqual([
    { level: "warning", message: "lost", fields: { site: "a/b", n: 1 } },
    { level: "debug", message: "seen", fields: {} },
  ]);
  const text = written(() => silentLog.with({ a: 1 }).error("nothing"));
  expect(text).toBe("");
});
