/** Entropy as a dependency, so that jitter and keys can be fixed in tests. */
import { randomBytes } from "node:crypto";

export interface Random {
  /** `n` bytes fit for keys. */
  bytes(n: number): Uint8Array;
  /** A number in [0, 1), for jitter only. */
  unit(): number;
}

export const systemRandom: Random = {
  bytes: (n) => new Uint8Array(randomBytes(n)),
  unit: () => Math.random(),
};
