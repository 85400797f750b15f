import { expect, test } from "vitest";
import { parseTarget } from "../../../agent/service/index.ts";
import { Dice } from "../session/rig.ts";

test.each([
  ["tcp:127.0.0.1:6557", { host: "127.0.0.1", port: 6557 }],
  ["tcp:localhost:1", { host: "localhost", port: 1 }],
  ["tcp:db-1.example.:65535", { host: "db-1.example.", port: 65_535 }],
  ["tcp:[::1]:80", { host: "::1", port: 80 }],
  ["tcp:[fe80::1:2]:443", { host: "fe80::1:2", port: 443 }],
  ["tcp:[::ffff:10.0.0.1]:443", { host: "::ffff:10.0.0.1", port: 443 }],
  ["unix:/omd/sites/main/tmp/run/live", { path: "/omd/sites/main/tmp/run/live" }],
  ["unix:/with a space", { path: "/with a space" }],
])("%s is a target", (text, target) => {
  expect(parseTarget(text)).toEqual(target);
});

test.each([
  "",
  "tcp:",
  "tcp::80",
  "tcp:host",
  "tcp:host:",
  "tcp:host:0",
  "tcp:host:65536",
  "tcp:host:080808",
  "tcp:host:+80",
  "tcp:host:8e1",
  "tcp:host:80 ",
  "tcp: host:80",
  "tcp:ho st:80",
  "tcp:::1:80",
  "tcp:[]:80",
  "tcp:[::1]",
  "tcp:[::1]80",
  "tcp:[host]:80",
  "tcp:a:b:80",
  "TCP:host:80",
  "udp:host:80",
  "host:80",
  "unix:",
  "unix:relative",
  "unix:@abstract",
  "/omd/sites/main/tmp/run/live",
  "unix:/a\0b",
  "unix:/a\nb",
  "tcp:a\0b:80",
  "tcp:\x1b[2J:80",
  `unix:/${"x".repeat(107)}`,
  `unix:/${"é".repeat(54)}`,
])("%j is no target", (text) => {
  expect(parseTarget(text)).toBeUndefined();
});

test("the longest path that a Unix socket can have is a target", () => {
  expect(parseTarget(`unix:/${"x".repeat(106)}`)).toEqual({ path: `/${"x".repeat(106)}` });
});

test("junk is no target, or one that can be dialled", () => {
  const dice = new Dice(9);
  const letters = "tcpunix:[]/.-0123456789ab \0\n";
  for (let i = 0; i < 20_000; i++) {
    const start = ["tcp:", "unix:", "unix:/", "tcp:[", ""][dice.upTo(5)];
    const text =
      start + Array.from({ length: dice.upTo(15) }, () => letters[dice.upTo(letters.length)]).join("");
    const target = parseTarget(text);
    if (!target) continue;
    if ("path" in target) expect(target.path).toMatch(/^\/\P{Cc}*$/u);
    else {
      expect(target.host).toMatch(/^[^\s\p{Cc}]+$/u);
      expect(Number.isInteger(target.port) && target.port >= 1 && target.port <= 65_535).toBe(true);
    }
  }
});
