/** A password that somebody types or sends: never as an argument, which every user of the host could read. */

import type { ReadStream } from "node:tty";
import { printError } from "../../common/command/index.ts";
import { FarsiteError } from "../../common/errors.ts";
import { readSecretFile } from "../../common/files.ts";

/** Bytes that are read; more is no password. */
const LONGEST = 4096;

/**
 * The first line of a file that nobody else may read, or of standard input, or, on a terminal, what is typed twice.
 * Throws E_KEY_FILE or E_PASSWORD.
 */
export async function readPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    const text = readSecretFile(file);
    if (text === undefined) throw new FarsiteError("E_KEY_FILE", `there is no password file ${file}`);
    return firstLine(text);
  }
  const { stdin } = process;
  if (!stdin.isTTY) return firstLine(await readAll(stdin));
  const typed = await ask(stdin, "Password: ");
  if ((await ask(stdin, "Again: ")) === typed) return typed;
  throw new FarsiteError("E_PASSWORD", "the passwords that were typed are not the same");
}

function firstLine(text: string): string {
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "") throw new FarsiteError("E_PASSWORD", "the password is empty");
  return line;
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > LONGEST) throw new FarsiteError("E_PASSWORD", "this is too long for a password");
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Reads a line without showing it; the terminal is as before afterwards. */
function ask(terminal: ReadStream, prompt: string): Promise<string> {
  process.stderr.write(prompt);
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const end = (outcome: () => void) => {
      terminal.off("data", take);
      terminal.setRawMode(false);
      terminal.pause();
      printError("");
      outcome();
    };
    const take = (chunk: Buffer | string) => {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n") return end(() => resolve(typed.join("")));
        // Ctrl-C and Ctrl-D: the terminal does not say so in this mode
        if (character === "\x03" || character === "\x04")
          return end(() => reject(new FarsiteError("E_PASSWORD", "no password was typed")));
        if (character === "\x7f" || character === "\b") typed.pop();
        else if (character === "\x15") typed = [];
        else if (typed.length < LONGEST) typed.push(character);
      }
    };
    terminal.setRawMode(true);
    terminal.resume();
    terminal.on("data", take);
  });
}
