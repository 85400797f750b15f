import { expect, test } from "vitest";
import { parseListenAddress, placeOf } from "../../agent/listen/index.ts";
import { type Address, isLoopback, parseAddress } from "../../common/address.ts";

test.each<[string, Address]>([
  ["udp:127.0.0.1:514", { kind: "udp", host: "127.0.0.1", port: 514 }],
  ["udp:[::1]:162", { kind: "udp", host: "::1", port: 162 }],
  ["tcp:central.example:8000", { kind: "tcp", host: "central.example", port: 8000 }],
  ["unix:/run/x", { kind: "unix", path: "/run/x" }],
])("%s is an address", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(["udp:host", "udp:/path", "udp:h:0", "UDP:h:1", "unix:path", "tcp:h:1\n", "tls:h:1"])(
  "%j is none",
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
  },
);

test.each([
  ["127.0.0.1", true],
  ["127.255.1.9", true],
  ["::1", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.0.0.1.example", false],
])("%s is on loopback: %s", (host, is) => {
  expect(isLoopback(host)).toBe(is);
});

test("to listen at, an address of this host is needed, not a name", () => {
  expect(parseListenAddress("tcp:0.0.0.0:8000")).toEqual({ kind: "tcp", host: "0.0.0.0", port: 8000 });
  expect(parseListenAddress("unix:/run/x")).toEqual({ kind: "unix", path: "/run/x" });
  for (const text of ["tcp:localhost:8000", "udp:central.example:514", "tcp:127.1:80", "tcp:[fe80::]x:1"]) {
    expect([text, parseListenAddress(text)]).toEqual([text, undefined]);
  }
});

test("one place has one text, however it is written", () => {
  const places = ["tcp:[0:0:0::1]:80", "tcp:[::1]:80", "tcp:[::1]:080", "udp:[::1]:80"].map((text) =>
    placeOf(parseAddress(text) as Address),
  );
  expect(new Set(places)).toEqual(new Set(["tcp:[::1]:80", "udp:[::1]:80"]));
});
