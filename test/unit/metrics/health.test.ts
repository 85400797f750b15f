import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { Health, healthApp } from "../../../hub/metrics/index.ts";

function rig(registry: () => Promise<unknown> = async () => 1) {
  const clock = new FakeClock();
  const state = { listening: true, alive: true, asked: 0 };
  const health = new Health({
    registry: () => {
      state.asked++;
      return registry();
    },
    listening: () => state.listening,
    alive: () => state.alive,
    clock,
  });
  const app = healthApp(health);
  const answer = async (path: string) => {
    const response = await app.request(path);
    return `${response.status} ${await response.text()}`;
  };
  return { clock, state, answer, app };
}

test("a process that answers is healthy, whatever else is wrong", async () => {
  const { state, answer } = rig(() => Promise.reject(new Error("broken")));
  state.alive = false;
  expect(await answer("/healthz")).toBe("200 ok\n");
});

test("one is ready when agents can connect, nothing is stuck and the registry answers", async () => {
  const { state, answer } = rig();
  expect(await answer("/readyz")).toBe("200 ok\n");
  state.listening = false;
  expect(await answer("/readyz")).toBe("503 not ok\n");
  state.listening = true;
  state.alive = false;
  expect(await answer("/readyz")).toBe("503 not ok\n");
});

test("a registry that fails, or does not answer in time, makes it not ready, and says no word about it", async () => {
  expect(await rig(() => Promise.reject(new Error("disk I/O error"))).answer("/readyz")).toBe("503 not ok\n");
  const slow = rig(() => new Promise(() => {}));
  const asked = Promise.all(Array.from({ length: 50 }, () => slow.answer("/readyz")));
  while (slow.clock.pending < 50) await Promise.resolve();
  slow.clock.advance(2_000);
  expect(new Set(await asked)).toEqual(new Set(["503 not ok\n"]));
  // however many want to know
  expect(slow.state.asked).toBe(1);
});

test("nothing keeps an answer, and nothing else is answered", async () => {
  const { app, answer } = rig();
  for (const path of ["/healthz", "/readyz"]) {
    const response = await app.request(path);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  }
  expect(await answer("/other")).toMatch(/^404 /);
  expect((await app.request("/readyz", { method: "POST" })).status).toBe(404);
});
