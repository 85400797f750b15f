/**
 * Files, each as it was at one time. There may be very many of them, so only a digest of each is kept: 53 bits, which are
 * a number, and cost a tenth of what name and stamp do. Of 100,000 files two have the same once in two million times;
 * then one of them is taken only when the other one has left.
 */
import type { Stamp } from "./spool-files.ts";

type File = { name: string; stamp: Stamp };

export class FileSet {
  readonly #digests = new Set<number>();

  add(file: File): void {
    this.#digests.add(digest(file));
  }

  has(file: File): boolean {
    return this.#digests.has(digest(file));
  }

  delete(file: File): void {
    this.#digests.delete(digest(file));
  }
}

function digest({ name, stamp }: File): number {
  return Number(BigInt.asUintN(53, BigInt(Bun.hash(`${name} ${stamp}`))));
}
