import { expect, test } from "vitest";
import { DatagramQueue } from "../../../agent/listen/queue.ts";

function filled(limits: { datagrams: number; bytes: number }, ...texts: string[]) {
  const queue = new DatagramQueue(limits);
  const dropped = texts.map((text) => queue.push(Buffer.from(text)));
  const rest = () => {
    const all: string[] = [];
    for (let next = queue.shift(); next; next = queue.shift()) all.push(next.toString());
    return all;
  };
  return { queue, dropped, rest };
}

test("datagrams come out in order", () => {
  const { dropped, rest } = filled({ datagrams: 3, bytes: 100 }, "a", "b", "c");
  expect([dropped, rest()]).toEqual([
    [0, 0, 0],
    ["a", "b", "c"],
  ]);
});

test("the oldest go when there are too many", () => {
  const { dropped, rest } = filled({ datagrams: 2, bytes: 100 }, "a", "b", "c", "d");
  expect([dropped, rest()]).toEqual([
    [0, 0, 1, 1],
    ["c", "d"],
  ]);
});

test("as many of the oldest go as a large one needs", () => {
  const { dropped, rest } = filled({ datagrams: 10, bytes: 8 }, "aaa", "bbb", "c", "dddddd");
  expect([dropped, rest()]).toEqual([
    [0, 0, 0, 2],
    ["c", "dddddd"],
  ]);
});

test("one that is too large by itself pushes nothing out", () => {
  const { dropped, rest } = filled({ datagrams: 10, bytes: 4 }, "aa", "b".repeat(5));
  expect([dropped, rest()]).toEqual([[0, 1], ["aa"]]);
});

test("empty ones count by number", () => {
  const { dropped, rest } = filled({ datagrams: 2, bytes: 4 }, "", "", "");
  expect([dropped, rest()]).toEqual([
    [0, 0, 1],
    ["", ""],
  ]);
});

test("what is forgotten makes room", () => {
  const { queue, rest } = filled({ datagrams: 10, bytes: 4 }, "aa", "bb");
  expect([queue.clear(), queue.length]).toEqual([2, 0]);
  expect(queue.push(Buffer.from("cccc"))).toBe(0);
  expect(rest()).toEqual(["cccc"]);
});
