import { expect, test } from "vitest";
import { Deque } from "../../common/deque.ts";

function contents<T>(deque: Deque<T>): (T | undefined)[] {
  return Array.from({ length: deque.length }, (_, index) => deque.at(index));
}

test("gives items back in the order they came", () => {
  const deque = new Deque<number>();
  for (let i = 0; i < 100; i++) deque.push(i);
  expect(Array.from({ length: 100 }, () => deque.shift())).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(deque.length).toBe(0);
});

test("an empty queue gives nothing and stays usable", () => {
  const deque = new Deque<string>();
  expect(deque.shift()).toBeUndefined();
  expect(deque.shift()).toBeUndefined();
  expect(deque.length).toBe(0);
  deque.push("a");
  expect(deque.shift()).toBe("a");
});

test("looks at any place without taking, and at nothing beyond the end", () => {
  const deque = new Deque<string>();
  for (const item of ["a", "b", "c"]) deque.push(item);
  deque.shift();
  expect([deque.at(0), deque.at(1), deque.at(2), deque.length]).toEqual(["b", "c", undefined, 2]);
});

test("a place past the end stays empty after older items stood there", () => {
  const deque = new Deque<string>();
  for (const item of ["a", "b", "c"]) deque.push(item);
  for (let i = 0; i < 3; i++) deque.shift();
  expect(deque.at(0)).toBeUndefined();
});

test("is empty and usable after clear", () => {
  const deque = new Deque<number>();
  for (let i = 0; i < 20; i++) deque.push(i);
  deque.shift();
  deque.clear();
  expect([deque.length, deque.at(0), deque.shift()]).toEqual([0, undefined, undefined]);
  for (let i = 0; i < 20; i++) deque.push(i);
  expect(contents(deque)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test("keeps order when it grows at every possible turn of its ring", () => {
  for (let turned = 0; turned < 8; turned++) {
    const deque = new Deque<number>();
    for (let i = 0; i < turned; i++) {
      deque.push(-1);
      deque.shift();
    }
    for (let i = 0; i < 40; i++) deque.push(i);
    expect(contents(deque), `turned by ${turned}`).toEqual(Array.from({ length: 40 }, (_, i) => i));
  }
});

test("does what an array does through a long run of pushes and shifts", () => {
  const deque = new Deque<number>();
  const model: number[] = [];
  let state = 1;
  for (let i = 0; i < 20_000; i++) {
    state = (state * 48_271) % 0x7fff_ffff;
    if (state % 5 < 3) {
      deque.push(i);
      model.push(i);
    } else {
      expect(deque.shift()).toBe(model.shift());
    }
    expect(deque.length).toBe(model.length);
    expect(deque.at(0)).toBe(model[0]);
  }
  expect(contents(deque)).toEqual(model);
});
