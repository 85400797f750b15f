/** Text of an unknown hand, made fit to be read: it must not move a cursor, forge a line, or hide. */

/** Controls, formats (such as the direction of writing), separators of lines, halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** For a log or a table: `?` stands for each such character; cut to `most` UTF-16 units. */
export function printable(text: string, most: number): string {
  return text.slice(0, most).replace(UNPRINTABLE, "?");
}

/** For a terminal: nothing is lost, and `\u001b` stands for such a character, as in JSON. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** The same for text that has lines of its own. */
export function visibleLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === "\n" ? character : escaped(character)));
}

/** As JSON does it: UTF-16 unit by unit. */
function escaped(character: string): string {
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
