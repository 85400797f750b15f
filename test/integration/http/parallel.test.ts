/** Changes activated on many sites at once: none waits for another. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dialTarget, Services } from "../../../agent/service/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { BULK } from "../../../common/mux/index.ts";
import { Endpoint } from "../../../hub/endpoint/endpoint.ts";
import { HttpService, Syncs } from "../../../hub/http/index.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { freePort } from "../../lab/farsite.ts";
import { muxPair } from "../../unit/mux/rig.ts";

const SITES = 20;
const ACTIVATE = "/main/check_mk/automation.py?command=activate-changes";

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** A web server that answers nobody before so many have asked. */
async function startBarrier(wanted: number): Promise<number> {
  const waiting: Socket[] = [];
  const server = createServer((socket) => {
    let request = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      request += chunk;
      if (!request.endsWith("secret=x") || waiting.push(socket) < wanted) return;
      for (const each of waiting) each.end("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{'check_mk': []}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.add("close a web server", () => {
    server.close();
    for (const socket of waiting) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

test("changes are activated on 20 sites in parallel", async () => {
  const log = new MemoryLog();
  const clock = systemClock;
  const syncs = new Syncs({ clock, log, most: 10 });
  const port = await startBarrier(SITES);
  const muxes = Array.from({ length: SITES }, () => {
    const services = new Services({
      targets: new Map([["http", { host: "127.0.0.1", port }]]),
      dial: dialTarget,
      clock,
      connectTimeout: 10_000,
      log,
    });
    return muxPair({ agent: { accept: (tap) => services.accept(tap.stream) } }).hub.mux;
  });
  const service = new HttpService({
    limits: { headTimeout: 10_000, idleTimeout: 60_000, answerTimeout: 60_000, clients: 100 },
    clock,
    log,
    syncs,
    open: (id) => muxes[id]?.open("http", BULK),
    unreachable: () => undefined,
  });
  const ports = await Promise.all(
    muxes.map(async (_, id) => {
      const port = await freePort();
      const site = { id, tenant: "acme", name: `site${id}` };
      const endpoint = new Endpoint({
        address: { host: "127.0.0.1", port },
        clock: systemClock,
        open: () => undefined,
        serve: (socket, done) => service.serve(site, socket, done),
        failed: (reason) => log.error(reason),
      });
      cleanup.add("close an endpoint", () => endpoint.close());
      return port;
    }),
  );
  // one that waited for another to be answered would never be
  const answers = await Promise.all(
    ports.map((each) =>
      fetch(`http://127.0.0.1:${each}${ACTIVATE}`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "secret=x",
      }).then((answer) => answer.text()),
    ),
  );
  expect(answers).toEqual(muxes.map(() => "{'check_mk': []}"));
  expect(muxes.map((_, id) => syncs.of(id).map(({ kind, ok }) => [kind, ok]))).toEqual(
    muxes.map(() => [["activate", true]]),
  );
});
