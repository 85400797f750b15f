/** The line that tests and benchmarks run over: it must be what it is said to be, or nothing measured on it is. */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { attempt } from "../../lab/command.ts";
import {
  buildLine,
  LINE_PACKAGES,
  type LineEnds,
  type LineOptions,
  lineObstacle,
  startLine,
} from "../../lab/line/line.ts";
import { makeNamespaces, type Namespaces } from "../../lab/namespaces.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import { type LabProcess, launch, waitFor } from "../../lab/process.ts";

const TRAFFIC = fileURLToPath(new URL("./traffic.ts", import.meta.url));
const FAR = "198.18.0.2";
const PORT = "7000";
const MIB = 1 << 20;

const obstacle = await obstacleTo("a line with delay", LINE_PACKAGES, lineObstacle);

describe.skipIf(obstacle !== undefined)("a line", () => {
  const cleanup = new Cleanup();
  let program: string;
  let places: Namespaces;

  beforeAll(() => {
    program = buildLine(scratchDirectory(cleanup, "line"));
    places = makeNamespaces(["near", "far"], cleanup);
  });
  afterAll(() => cleanup.run());

  const ends = (): LineEnds => [
    { netns: places.namespace("near"), device: "line", address: "198.18.0.1" },
    { netns: places.namespace("far"), device: "line", address: FAR },
  ];

  async function line(options: LineOptions): Promise<LabProcess> {
    const perTest = new Cleanup();
    onTestFinished(() => perTest.run());
    return startLine(program, ends(), options, perTest);
  }

  function traffic(place: string, role: string, number = 0): Promise<LabProcess> {
    const perTest = new Cleanup();
    onTestFinished(() => perTest.run());
    return launch([process.execPath, TRAFFIC, role, FAR, PORT, String(number)], {
      label: `${role} in ${place}`,
      netns: places.namespace(place),
      ready: ({ output }) => place === "near" || output === "listening\n",
      cleanup: perTest,
    });
  }

  /** What a role printed after it had ended. */
  async function result(role: string, number: number): Promise<string> {
    const child = await traffic("near", role, number);
    expect(await child.exited, child.output).toEqual({ code: 0, signal: null });
    return child.output.trim();
  }

  async function datagramsThrough(number: number): Promise<number> {
    const counter = await traffic("far", "count");
    await traffic("near", "datagrams", number);
    await counter.exited;
    return Number(counter.output.split("\n")[1]);
  }

  test("a round trip takes its delay twice, and little more", async () => {
    await line({ delayMs: 40 });
    await traffic("far", "echo");
    const least = Number(await result("roundTrips", 20));
    expect(least).toBeGreaterThanOrEqual(80);
    expect(least).toBeLessThan(160);
  });

  test("no more passes than its rate, and about as much", async () => {
    await line({ delayMs: 1, rateMbit: 20 });
    await traffic("far", "sink");
    const [came, ms] = (await result("send", 2 * MIB)).split(" ").map(Number) as [number, number];
    expect(came).toBe(2 * MIB);
    const rate = (came * 8) / 1000 / ms;
    expect(rate).toBeLessThanOrEqual(20);
    expect(rate).toBeGreaterThan(4);
  });

  test("what its buffer does not hold is dropped", async () => {
    // 100 ms of 1 Mbit/s are 12,500 bytes: 23 datagrams of 528 bytes with their headers, and the one under way
    await line({ delayMs: 1, rateMbit: 1, queueMs: 100 });
    const came = await datagramsThrough(100);
    expect(came).toBeGreaterThan(0);
    expect(came).toBeLessThan(50);
  });

  test("it loses the share of packets that it is told to", async () => {
    await line({ delayMs: 1, lossPercent: 50 });
    const came = await datagramsThrough(100);
    expect(came).toBeGreaterThan(20);
    expect(came).toBeLessThan(80);
  });

  test("without losses nothing is lost", async () => {
    await line({ delayMs: 1 });
    expect(await datagramsThrough(100)).toBe(100);
  });

  test("large segments pass whole, and every byte arrives", async () => {
    await line({ delayMs: 1, large: true });
    await traffic("far", "sink");
    const [came] = (await result("send", 16 * MIB)).split(" ").map(Number);
    expect(came).toBe(16 * MIB);
    const count = (what: string): number =>
      Number(places.command("far", ["cat", `/sys/class/net/line/statistics/${what}`]));
    expect(count("rx_bytes") / count("rx_packets")).toBeGreaterThan(3000);
  });

  test("TCP over it is told how to judge it", async () => {
    await line({ delayMs: 1, congestionControl: "reno" });
    await traffic("far", "echo");
    expect(places.command("near", ["ip", "route", "get", FAR])).toContain("congctl reno");
    await expect(line({ delayMs: 1, congestionControl: "unheard-of" })).rejects.toThrow();
  });

  test("when its process ends, its devices are gone", async () => {
    const child = await line({ delayMs: 1 });
    const present = () => places.attempt("near", ["ip", "link", "show", "dev", "line"]).ok;
    expect(present()).toBe(true);
    await child.stop();
    await waitFor("the device to go", () => !present(), { withinMs: 10_000 });
  });

  test.each([
    [["--delay-ms", "soon"], "--delay-ms is a number"],
    [["--delay-ms", "-1"], "--delay-ms is a number"],
    [["--loss-percent", "101"], "--loss-percent is a number from 0 to 100"],
    [["--large", "--rate-mbit", "10"], "--large goes neither with a rate"],
    [["--speed", "10"], "unrecognized option"],
    [[], "two namespaces and devices are wanted"],
  ])("wrong usage is refused: %j", (words, complaint) => {
    const { ok, stderr } = attempt([program, ...words]);
    expect(ok).toBe(false);
    expect(stderr).toContain(complaint);
  });

  test("a namespace that does not exist is named", () => {
    const { ok, stderr } = attempt([program, "nowhere", "line", "nowhere", "line"]);
    expect(ok).toBe(false);
    expect(stderr).toContain("cannot enter the namespace nowhere");
  });
});
