/** Field lines of an HTTP head (RFC 9110, section 5; RFC 9112, section 5), read strictly. */

/** Name and value, as sent; white space around the value is gone. */
export type Field = readonly [name: string, value: string];

// a line that begins with white space (obs-fold) is no field, and so is one with space before the colon
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):([\t\x20-\x7e\x80-\xff]*)$/;

/** Reads a line without its CR LF; undefined when it is no field line. */
export function parseField(line: string): Field | undefined {
  const [, name, value = ""] = FIELD.exec(line) ?? [];
  return name === undefined ? undefined : [name, trim(value)];
}

/** The values of a field that is a list of tokens (RFC 9110, section 5.6.1), one by one, in lower case. */
export function tokensOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).map((token) => trim(token).toLowerCase());
}

/** Without spaces and tabs at both ends. `trim` would take more for white space than HTTP does. */
function trim(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
