/** Text from the other side, made fit for a message that people read. */

/** Most characters of it that are shown. */
const SHOWN = 100;

/** Printable ASCII, and not too much of it. */
export function wireText(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?").trim();
  return printable.length > SHOWN ? `${printable.slice(0, SHOWN)}...` : printable;
}
