import { expect, test } from "vitest";
import { readNotification } from "../../../agent/outbox/notify/index.ts";

const read = (text: string) => readNotification(Buffer.from(text));

test("a notification that is marked for forwarding is taken, with all its macros in order", () => {
  const context = read("{'context': {'HOSTNAME': 'h', 'WHAT': 'HOST', 'LONG': 'ä\\n'},\n 'forward': True}\n");
  expect([...(context ?? [])]).toEqual([
    ["HOSTNAME", "h"],
    ["WHAT", "HOST"],
    ["LONG", "ä\n"],
  ]);
});

test.each([
  ["a delivery here", "{'context': {'HOSTNAME': 'h'}, 'plugin': 'mail'}"],
  ["a plain mail", "{'context': {'HOSTNAME': 'h'}, 'plugin': None}"],
  ["what was received from a remote site", "{'context': {'HOSTNAME': 'h'}}"],
  ["what is marked with something else than True", "{'context': {'HOSTNAME': 'h'}, 'forward': 1}"],
  [
    "the result of a delivery",
    "{'plugin': 'mail', 'status': 0, 'output': [], 'forward': True, 'context': {'HOSTNAME': 'h'}}",
  ],
])("%s is left alone", (_, text) => {
  expect(read(text)).toBeUndefined();
});

test.each([
  ["no literal", "hello"],
  ["code", "__import__('os').system('true')"],
  ["no dict", "[1]"],
  ["no context", "{'forward': True}"],
  ["a context that is no dict", "{'context': 1, 'forward': True}"],
  ["a macro that is no text", "{'context': {'HOSTNAME': 1}, 'forward': True}"],
  ["a macro's name that is no text", "{'context': {1: 'h'}, 'forward': True}"],
  ["nested too deeply", `{'context': ${"[".repeat(50)}${"]".repeat(50)}, 'forward': True}`],
])("%s is corrupted", (_, text) => {
  expect(() => read(text)).toThrow(Error);
});

test("bytes that are not UTF-8 are corrupted", () => {
  expect(() => readNotification(Buffer.from([0x27, 0xff, 0x27]))).toThrow(Error);
});
