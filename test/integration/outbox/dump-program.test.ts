/** Real programs that print a dump, or what they should not. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openReader, type ReaderConfig } from "../../../agent/outbox/dumps/index.ts";
import { Program } from "../../../agent/outbox/dumps/program.ts";
import { systemClock } from "../../../common/clock.ts";
import { CMCDUMP, LIVEDUMP_CONFIG, livedumpRecord } from "../../lab/checkmk-dumps.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { until } from "../../lab/farsite.ts";

const cleanup = new Cleanup();
const folder = scratchDirectory(cleanup, "dump-program");
afterAll(() => cleanup.run());

let count = 0;
function script(text: string): string {
  const path = join(folder, `program${++count}`);
  writeFileSync(path, `#!/bin/sh\n${text}`);
  chmodSync(path, 0o700);
  return path;
}
const printing = (text: string): string => {
  const file = join(folder, `text${++count}`);
  writeFileSync(file, text);
  return script(`exec cat "${file}"`);
};
const program = (command: string[], timeout = 30_000, most?: number): Program =>
  new Program({ command, clock: systemClock, timeout, ...(most !== undefined && { most }) });

function reader(config: Omit<ReaderConfig, "timeout_seconds">) {
  const dial = (): never => {
    throw new Error("nothing is dialled");
  };
  return openReader({ timeout_seconds: 30, ...config }, dial, systemClock)!;
}

test("what livedump prints is read, and what cmcdump prints", async () => {
  const livedump = reader({
    source: "livedump",
    command: [printing(livedumpRecord({ host: "web", code: 0, output: "up", perf: "" }))],
    objects_command: [printing(LIVEDUMP_CONFIG)],
  });
  expect([...(await livedump.read()).objects.values()]).toEqual([
    { host: ["web", 0, "up", "", "", "Web server", "192.0.2.7"] },
  ]);
  const cmcdump = reader({ source: "cmcdump", command: [printing(CMCDUMP)] });
  expect((await cmcdump.read()).objects.size).toBe(2);
});

test("what is no dump at all is an error, and not a site without hosts", async () => {
  const html = reader({ source: "livedump", command: [printing("<html>\n")] });
  await expect(html.read()).rejects.toThrow("line 1 begins no record");
  const bytes = reader({ source: "cmcdump", command: [script("printf '\\377\\376'")] });
  await expect(bytes.read()).rejects.toThrow("not UTF-8");
});

test("arguments go as they are, through no shell, and the agent's variables stay with it", async () => {
  const words = ["$HOME", "a b", "; touch pwned", "*"];
  process.env.FARSITE_TOKEN = "secret";
  const printed = String(await program([script('printf "%s\\n" "$@"; env'), ...words]).run());
  delete process.env.FARSITE_TOKEN;
  expect(printed.split("\n").slice(0, 4)).toEqual(words);
  expect(printed).not.toContain("secret");
  expect(existsSync("pwned")).toBe(false);
});

test("a program that fails is reported with its code and what it complains of, on one line and not all of it", async () => {
  const failing = script(
    "echo half; printf 'no\\033[2J such\\nsite' >&2; head -c 100000 /dev/zero >&2; exit 3",
  );
  const error = await program([failing])
    .run()
    .catch((reason: Error) => reason.message);
  expect(error).toMatch(/program\d+ ended with 3: no\?\[2J such\?site\?/);
  expect(String(error).length).toBeLessThan(folder.length + 300);
  await expect(program([join(folder, "nothing")]).run()).rejects.toThrow(/cannot be run/);
});

test("one that prints without end, or does not end, is ended with all it has started", async () => {
  await expect(program(["cat", "/dev/zero"], 30_000, 1 << 20).run()).rejects.toThrow(
    "printed more than 1048576 bytes",
  );
  const pid = join(folder, "pid");
  const hanging = program([script(`sleep 1000 & echo $! > "${pid}"; wait`)], 60_000);
  const ended = expect(hanging.run()).rejects.toThrow("was stopped");
  await until(
    "the program to have started",
    () => existsSync(pid) && readFileSync(pid, "utf8").endsWith("\n"),
  );
  hanging.stop();
  await ended;
  const alive = () => {
    try {
      const [, state] =
        /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${readFileSync(pid, "utf8").trim()}/stat`, "utf8")) ?? [];
      return state !== "Z";
    } catch {
      return false;
    }
  };
  await until("its child to have ended", () => !alive());
  await expect(program(["sleep", "1000"], 50).run()).rejects.toThrow("did not end within 0.05 s");
});
