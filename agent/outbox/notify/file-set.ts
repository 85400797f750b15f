/**
 * Files, each as it was at one time; of several with the same name the one that came last. There may be very many of
 * them, so only digests of name and stamp are kept: 53 bits, which are a number, and cost a tenth. Of 100,000 names two
 * have the same once in two million times; then one of them is taken only when the other one has left.
 */
import type { Stamp } from "./spool-files.ts";

type File = { name: string; stamp: Stamp };

export class FileSet {
  /** Stamps by name. */
  readonly #digests = new Map<number, number>();

  add({ name, stamp }: File): void {
    this.#digests.set(digest(name), digest(stamp));
  }

  has({ name, stamp }: File): boolean {
    return this.#digests.get(digest(name)) === digest(stamp);
  }

  /** Whether there is any of that name. */
  hasName(name: string): boolean {
    return this.#digests.has(digest(name));
  }

  delete(file: File): void {
    if (this.has(file)) this.#digests.delete(digest(file.name));
  }
}

function digest(text: string): number {
  return Number(BigInt.asUintN(53, BigInt(Bun.hash(text))));
}
