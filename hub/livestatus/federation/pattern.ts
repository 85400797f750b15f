/**
 * Regular expressions for the few short texts that the hub knows itself. Who asks may write any of them, and the
 * engine of the language can be made to think for ever; this one takes a step for each character and place.
 * It has no groups.
 */

import { Refusal } from "../../../common/livestatus/index.ts";

/** One character of a pattern. */
interface Place {
  matches(character: string): boolean;
  /** It may be left out, and it may come again. */
  optional: boolean;
  repeats: boolean;
}

interface Alternative {
  places: Place[];
  fromStart: boolean;
  toEnd: boolean;
}

const CLASSES: Readonly<Record<string, RegExp>> = { d: /\d/, D: /\D/, w: /\w/, W: /\W/, s: /\s/, S: /\S/ };

/** Whether a pattern is found in a text. @throws Refusal it is not one, or has groups */
export function found(pattern: string, text: string, anyCase = false): boolean {
  return alternatives(pattern, anyCase).some((alternative) => foundIn(alternative, text));
}

function foundIn({ places, fromStart, toEnd }: Alternative, text: string): boolean {
  const end = places.length;
  let at = reach(new Set(), places, 0);
  for (const character of text) {
    if (!toEnd && at.has(end)) return true;
    const next = new Set<number>();
    for (const index of at) {
      const place = places[index];
      if (!place?.matches(character)) continue;
      if (place.repeats) reach(next, places, index);
      reach(next, places, index + 1);
    }
    at = fromStart ? next : reach(next, places, 0);
  }
  return at.has(end);
}

/** Adds a place, and those behind it that are reached by leaving some out. */
function reach(into: Set<number>, places: readonly Place[], from: number): Set<number> {
  for (let index = from; !into.has(index); index++) {
    into.add(index);
    if (!places[index]?.optional) break;
  }
  return into;
}

function alternatives(pattern: string, anyCase: boolean): Alternative[] {
  const all: Alternative[] = [];
  let rest = pattern;
  for (;;) {
    const alternative: Alternative = { places: [], fromStart: rest.startsWith("^"), toEnd: false };
    if (alternative.fromStart) rest = rest.slice(1);
    while (rest !== "" && !rest.startsWith("|")) rest = addPlace(alternative, rest, anyCase);
    all.push(alternative);
    if (rest === "") return all;
    rest = rest.slice(1);
  }
}

/** Reads what one character may be, and how often; gives what is behind it. */
function addPlace(alternative: Alternative, rest: string, anyCase: boolean): string {
  if (/^\$(?:\||$)/.test(rest)) {
    alternative.toEnd = true;
    return rest.slice(1);
  }
  const [, atom = "", often = ""] = /^(\[\^?\]?[^\]]*\]|\\.|[^\\[\](){}*+?^$|])([*+?]?)/su.exec(rest) ?? [];
  if (atom === "") throw new Refusal(400, "invalid regular expression: groups are not known here");
  const test = testOf(atom);
  const matches = anyCase
    ? (one: string) => test(one.toLowerCase(), one.toUpperCase())
    : (one: string) => test(one, one);
  alternative.places.push({
    matches,
    optional: often === "*" || often === "?",
    repeats: "*+".includes(often || "?"),
  });
  return rest.slice(atom.length + often.length);
}

/** Of a character in two cases, either of which will do. */
function testOf(atom: string): (lower: string, upper: string) => boolean {
  if (atom === ".") return () => true;
  if (atom.startsWith("\\")) {
    const letter = atom.slice(1);
    const known = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined;
    return known ? (lower) => known.test(lower) : (lower, upper) => lower === letter || upper === letter;
  }
  if (!atom.startsWith("[")) return (lower, upper) => lower === atom || upper === atom;
  const opposite = atom.startsWith("[^");
  const members = atom.slice(opposite ? 2 : 1, -1);
  const ranges = [...members.matchAll(/(.)-(.)|./gsu)].map(([one, from = one, to = one]) => ({ from, to }));
  const within = (one: string) => ranges.some(({ from, to }) => from <= one && one <= to);
  return (lower, upper) => (within(lower) || within(upper)) !== opposite;
}
