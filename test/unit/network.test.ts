import { BlockList, isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { contains, isLoopbackIp, parseIp, parseNetwork } from "../../common/network.ts";
import { Dice } from "./session/rig.ts";

function within(network: string, address: string): boolean {
  const [of, at] = [parseNetwork(network), parseIp(address)];
  if (!of || !at) throw new Error(`${network} or ${address} cannot be read`);
  return contains(of, at);
}

describe("an address", () => {
  test.each([
    ["192.0.2.7", 4, 0xc0000207n],
    ["::ffff:192.0.2.7", 4, 0xc0000207n],
    ["::FFFF:c000:207", 4, 0xc0000207n],
    ["0:0:0:0:0:ffff:192.0.2.7", 4, 0xc0000207n],
    ["::", 6, 0n],
    ["::1", 6, 1n],
    ["1::", 6, 1n << 112n],
    ["2001:db8::7", 6, (0x2001_0db8n << 96n) | 7n],
    ["64:ff9b::192.0.2.7", 6, (0x64_ff9bn << 96n) | 0xc0000207n],
    ["1:2:3:4:5:6:7:8", 6, 0x0001_0002_0003_0004_0005_0006_0007_0008n],
    ["fe80::1%eth0", 6, (0xfe80n << 112n) | 1n],
  ] as const)("%s is read", (text, family, value) => {
    expect(parseIp(text)).toEqual({ family, value });
  });

  test.each([
    "",
    "localhost",
    "192.0.2",
    "192.0.2.256",
    "192.0.2.07.1",
    "1.2.3.4.",
    ":",
    ":::",
    "1::2::3",
    "12345::",
    "::g",
    "192.0.2.1/24",
  ])("%j is none", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

describe("a network", () => {
  test.each([
    "",
    "/",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/ 8",
    "10.0.0.0/255.0.0.0",
    "::/129",
    "fe80::%eth0/64",
    "fe80::1%eth0",
    "example.com",
    // bits behind the length: a slip, and which of the two is meant nobody knows
    "10.0.0.1/8",
    "192.0.2.128/24",
    "2001:db8::1/64",
    "::ffff:10.0.0.0/104",
  ])("%j is none", (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  test.each([
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:192.0.2.1"], ["::1", "2001:db8::1"]],
    ["::/0", ["::", "::1", "2001:db8::1"], ["192.0.2.1", "::ffff:192.0.2.1"]],
    ["10.0.0.1/32", ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"], ["10.0.0.0", "10.0.0.2", "::a00:1"]],
    ["10.0.0.1", ["10.0.0.1"], ["10.0.0.0", "10.0.0.2"]],
    ["10.0.0.0/31", ["10.0.0.0", "10.0.0.1"], ["9.255.255.255", "10.0.0.2"]],
    ["128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255"]],
    ["2001:db8::7/128", ["2001:db8::7", "2001:DB8:0::7"], ["2001:db8::6", "2001:db8::8"]],
    ["2001:db8::7", ["2001:db8::7"], ["2001:db8::8"]],
    [
      "2001:db8::/33",
      ["2001:db8::1", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"],
      ["2001:db8:8000::", "2001:db7::"],
    ],
    ["::ffff:10.0.0.1", ["10.0.0.1", "::ffff:10.0.0.1"], ["10.0.0.2"]],
  ] as const)("%s has %j, and not %j", (network, inside, outside) => {
    for (const address of inside) expect([address, within(network, address)]).toEqual([address, true]);
    for (const address of outside) expect([address, within(network, address)]).toEqual([address, false]);
  });

  test("is what node:net thinks it is", () => {
    const dice = new Dice(6_560);
    const group = () => dice.upTo(0x1_0000).toString(16);
    const makers = {
      ipv4: () => Array.from({ length: 4 }, () => dice.upTo(256)).join("."),
      ipv6: () => Array.from({ length: 8 }, group).join(":"),
    };
    for (let round = 0; round < 2_000; round++) {
      const family = dice.upTo(2) === 0 ? "ipv4" : "ipv6";
      const address = makers[family]();
      // a neighbour of the address: one bit is another
      const bits = family === "ipv4" ? 32 : 128;
      const length = dice.upTo(bits + 1);
      const parsed = parseIp(address);
      if (!parsed) throw new Error(address);
      const shift = BigInt(bits - length);
      const base = (parsed.value >> shift) << shift;
      const network = `${written(base, family)}/${length}`;
      const other = written(parsed.value ^ (1n << BigInt(dice.upTo(bits))), family);
      const list = new BlockList();
      list.addSubnet(written(base, family), length, family);
      for (const each of [address, other]) {
        expect([network, each, within(network, each)]).toEqual([network, each, list.check(each, family)]);
        expect(isIP(each)).not.toBe(0);
      }
    }
  });
});

function written(value: bigint, family: "ipv4" | "ipv6"): string {
  const digits =
    family === "ipv4" ? value.toString(16).padStart(8, "0") : value.toString(16).padStart(32, "0");
  if (family === "ipv6") return digits.match(/.{4}/g)?.join(":") ?? "";
  return (digits.match(/.{2}/g) ?? []).map((octet) => Number.parseInt(octet, 16)).join(".");
}

test.each([
  ["127.0.0.1", true],
  ["127.255.1.9", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["0.0.0.0", false],
  ["::", false],
])("%s is loopback: %s", (text, expected) => {
  const address = parseIp(text);
  expect(address && isLoopbackIp(address)).toBe(expected);
});
