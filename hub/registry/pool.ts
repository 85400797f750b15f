/** The address pool: every site's place in it is a number that never changes, counted from 1. */
import { FarsiteError } from "../../common/errors.ts";

export interface Pool {
  /** How many sites fit. */
  readonly size: number;
  /** The address at a place, 1 to `size`. Throws E_CONFIG beyond it: the pool was larger once. */
  address(index: number): string;
}

/** Reads `A.B.C.D/LENGTH`; length 8 to 30. The prefix's first and last address are left out. */
export function parsePool(text: string): Pool {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const length = Number(match?.[5]);
  if (!match || octets.some((octet) => octet > 255) || length < 8 || length > 30) {
    throw new FarsiteError("E_CONFIG", `not an address pool: ${text}`, "Write it like 127.64.0.0/16.");
  }
  const base = octets.reduce((value, octet) => value * 256 + octet, 0);
  const count = 2 ** (32 - length);
  if (base % count !== 0) {
    throw new FarsiteError("E_CONFIG", `the pool ${text} has bits set behind its prefix length`);
  }
  const size = count - 2;
  return {
    size,
    address(index) {
      if (index > size) {
        throw new FarsiteError(
          "E_CONFIG",
          `the pool ${text} has ${size} addresses, and a site was given number ${index}`,
          "Set endpoints.pool in hub.toml to what it was, or to a larger one with the same first addresses.",
        );
      }
      return [24, 16, 8, 0].map((shift) => ((base + index) >>> shift) & 255).join(".");
    },
  };
}
