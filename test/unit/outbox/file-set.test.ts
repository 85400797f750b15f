import { expect, test } from "vitest";
import { FileSet } from "../../../agent/outbox/notify/file-set.ts";

const file = (name: string, stamp: string) => ({ name, stamp });

test("a file is known as it was, and its name whatever it was", () => {
  const files = new FileSet();
  files.add(file("a", "1"));
  expect([files.has(file("a", "1")), files.has(file("a", "2")), files.has(file("b", "1"))]).toEqual([
    true,
    false,
    false,
  ]);
  expect([files.hasName("a"), files.hasName("b")]).toEqual([true, false]);
});

test("a file that was written anew stays known when the one before it leaves", () => {
  const files = new FileSet();
  files.add(file("a", "1"));
  files.add(file("a", "2"));
  files.delete(file("a", "1"));
  expect([files.has(file("a", "2")), files.hasName("a")]).toEqual([true, true]);
  files.delete(file("a", "2"));
  expect([files.has(file("a", "2")), files.hasName("a")]).toEqual([false, false]);
});
