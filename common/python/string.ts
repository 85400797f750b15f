/** A string as a Python literal, in ASCII: whatever encoding the reader takes it for, it means the same. */

/** @returns the literal with its quotes */
export function pythonString(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '"' || character === "\\") return `\\${character}`;
    const hex = code.toString(16);
    return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}
