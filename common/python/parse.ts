/**
 * Reads Python literals strictly as data: what `repr` and `pprint` write of None, True, False, numbers, texts, bytes,
 * tuples, lists and dicts, and nothing that would have to be computed. (The Python language reference, sections 2.4
 * "Literals" and 6.2 "Atoms".)
 */

/** Dicts become Maps: no key of a file can touch the prototype of anything. */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PythonValue[]
  | Map<PythonKey, PythonValue>;
export type PythonKey = null | boolean | number | bigint | string;

export interface PythonLimits {
  /** UTF-16 units of the text. */
  length: number;
  /** Collections inside each other. */
  depth: number;
  /** Values altogether, keys included. */
  values: number;
}

const NUMBER = /(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?/y;
/** Digits of a whole number; longer ones take long to read. */
const MOST_DIGITS = 100;
const WORD = /[A-Za-z_]\w*/y;
const PREFIX = /(?:[uUbBrR]|[bB][rR]|[rR][bB])?(?="""|'''|"|')/y;
const SPACE = /(?:[ \t\f\r\n]|#[^\n]*|\\\r?\n)*/y;
const SIMPLE: Record<string, string> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The one value that `text` is. Throws an Error that says where it is not one, or beyond the limits. */
export function parsePython(text: string, limits: PythonLimits): PythonValue {
  if (text.length > limits.length) throw new Error(`longer than ${limits.length} characters`);
  const parser = new Parser(text, limits);
  return parser.whole();
}

class Parser {
  #at = 0;
  #values = 0;

  constructor(
    private readonly text: string,
    private readonly limits: PythonLimits,
  ) {}

  whole(): PythonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.text.length) throw this.#wrong("something follows the value");
    return value;
  }

  #value(depth: number): PythonValue {
    if (++this.#values > this.limits.values) throw this.#wrong(`more than ${this.limits.values} values`);
    if (depth > this.limits.depth) throw this.#wrong(`nested deeper than ${this.limits.depth}`);
    this.#space();
    const next = this.text[this.#at];
    if (next === "(") return this.#sequence(")", depth);
    if (next === "[") return this.#sequence("]", depth);
    if (next === "{") return this.#dict(depth);
    const prefix = this.#match(PREFIX);
    if (prefix !== undefined) return this.#texts(prefix);
    if (next === "+" || next === "-" || next === "." || (next !== undefined && /\d/.test(next))) {
      return this.#number();
    }
    const word = this.#match(WORD);
    if (word === "None") return null;
    if (word === "True") return true;
    if (word === "False") return false;
    throw this.#wrong(word === undefined ? "no value" : `${word.slice(0, 20)} is no value`);
  }

  #sequence(close: string, depth: number): PythonValue {
    this.#at++;
    const items: PythonValue[] = [];
    let comma = false;
    while (!this.#took(close)) {
      if (items.length > 0 && !comma) throw this.#wrong("a comma is missing");
      items.push(this.#value(depth + 1));
      comma = this.#took(",");
    }
    // brackets alone make no tuple: texts over several lines stand in them
    return close === ")" && items.length === 1 && !comma ? (items[0] as PythonValue) : items;
  }

  #dict(depth: number): PythonValue {
    this.#at++;
    const entries = new Map<PythonKey, PythonValue>();
    let comma = true;
    while (!this.#took("}")) {
      if (!comma) throw this.#wrong("a comma is missing");
      const key = this.#value(depth + 1);
      if (typeof key === "object" && key !== null) throw this.#wrong("a collection as a key");
      if (!this.#took(":")) throw this.#wrong("a colon is missing");
      if (entries.has(key)) throw this.#wrong("a key twice");
      entries.set(key, this.#value(depth + 1));
      comma = this.#took(",");
    }
    return entries;
  }

  #number(): number | bigint {
    let negative = false;
    while (this.text[this.#at] === "-" || this.text[this.#at] === "+") {
      // one sign, as `repr` writes it
      if (this.text[this.#at + 1] === "-" || this.text[this.#at + 1] === "+") throw this.#wrong("two signs");
      negative = this.text[this.#at] === "-";
      this.#at++;
    }
    const digits = this.#match(NUMBER)?.replaceAll("_", "");
    if (digits === undefined) throw this.#wrong("no number");
    if (/\w/.test(this.text[this.#at] ?? "")) throw this.#wrong("no number");
    if (digits.length > MOST_DIGITS) throw this.#wrong("a number with too many digits");
    if (/^0\d*[1-9]\d*$/.test(digits)) throw this.#wrong("a number with a leading zero");
    const value = Number(digits);
    if (/^\d+$/.test(digits) && !Number.isSafeInteger(value)) return BigInt(digits) * (negative ? -1n : 1n);
    return negative ? -value : value;
  }

  /** Texts that stand side by side are one. */
  #texts(first: string): string | Uint8Array {
    const bytes = /b/i.test(first);
    const parts = [this.#quoted(first)];
    for (;;) {
      this.#space();
      const prefix = this.#match(PREFIX);
      if (prefix === undefined) break;
      if (/b/i.test(prefix) !== bytes) throw this.#wrong("text and bytes side by side");
      parts.push(this.#quoted(prefix));
    }
    const joined = parts.join("");
    return bytes ? Buffer.from(joined, "latin1") : joined;
  }

  #quoted(prefix: string): string {
    const raw = /r/i.test(prefix);
    const bytes = /b/i.test(prefix);
    const triple = this.text.startsWith(this.text.charAt(this.#at).repeat(3), this.#at);
    const quote = this.text.charAt(this.#at).repeat(triple ? 3 : 1);
    this.#at += quote.length;
    const parts: string[] = [];
    for (let from = this.#at; ; ) {
      const next = this.text[this.#at];
      if (next === undefined) throw this.#wrong("a text without an end");
      if (this.text.startsWith(quote, this.#at)) {
        parts.push(this.text.slice(from, this.#at));
        this.#at += quote.length;
        return parts.join("");
      }
      if (next === "\n" && !triple) throw this.#wrong("a line break within a text");
      if (bytes && next > "\x7f") throw this.#wrong("bytes beyond ASCII");
      if (next !== "\\") this.#at++;
      else if (raw) this.#at += 2;
      else {
        parts.push(this.text.slice(from, this.#at), this.#escape(bytes));
        from = this.#at;
      }
    }
  }

  #escape(bytes: boolean): string {
    const kind = this.text[this.#at + 1] ?? "";
    this.#at += 2;
    const simple = SIMPLE[kind];
    if (simple !== undefined && Object.hasOwn(SIMPLE, kind)) return simple;
    if (kind === "x") return String.fromCharCode(this.#hex(2));
    if (kind === "u" && !bytes) return String.fromCharCode(this.#hex(4));
    if (kind === "U" && !bytes) return this.#codePoint(this.#hex(8));
    if (kind === "N" && !bytes) throw this.#wrong("a character by its name");
    const octal = /^[0-7]{1,3}/.exec(this.text.slice(this.#at - 1, this.#at + 2))?.[0];
    if (octal !== undefined) {
      this.#at += octal.length - 1;
      const value = Number.parseInt(octal, 8);
      if (bytes && value > 0xff) throw this.#wrong("an octal number beyond a byte");
      return String.fromCharCode(value);
    }
    // Python leaves a backslash alone that begins nothing
    return `\\${kind}`;
  }

  #hex(digits: number): number {
    const text = this.text.slice(this.#at, this.#at + digits);
    if (text.length !== digits || !/^[\da-fA-F]+$/.test(text)) throw this.#wrong("a broken escape");
    this.#at += digits;
    return Number.parseInt(text, 16);
  }

  #codePoint(value: number): string {
    if (value > 0x10ffff) throw this.#wrong("a character beyond Unicode");
    return String.fromCodePoint(value);
  }

  #took(mark: string): boolean {
    this.#space();
    if (this.text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #wrong(what: string): Error {
    const line = this.text.slice(0, this.#at).split("\n").length;
    return new Error(`line ${line}: ${what}`);
  }
}
