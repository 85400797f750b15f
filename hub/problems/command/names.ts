/** Names that can be written into a command, and into a filter. */

/** UTF-8 bytes; cores have no limit, but file names of their checks have. */
const LONGEST = 255;
/** Controls, separators of lines, halves of characters: nobody has configured them. */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * Whether a host or service may be called so in a command. `;` separates a command's arguments, and no core has a way
 * to quote it; a line end would be another command. White space at the ends is lost on the way.
 */
export function isName(text: string): boolean {
  return (
    text !== "" &&
    text === text.trim() &&
    !text.includes(";") &&
    !FORBIDDEN.test(text) &&
    Buffer.byteLength(text) <= LONGEST
  );
}

/** Whether a text is one line that people can read. */
export function isLine(text: string): boolean {
  return text.trim() !== "" && !FORBIDDEN.test(text);
}
