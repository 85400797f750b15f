/**
 * Run inside a namespace by isolation.ts, as a program of its own:
 *
 *     probe.ts listen HOST:PORT...        takes connections; prints "listening" once all ports are open
 *     probe.ts connect MS HOST:PORT...    tries all at once, MS milliseconds each; prints the outcomes as JSON
 */
import { connect, createServer } from "node:net";

/** `silent`: no answer at all, what a dropping firewall gives. `refused`: the packet reached a machine. */
export type Outcome = "open" | "silent" | "refused" | "unreachable";

function split(endpoint: string): { host: string; port: number } {
  const colon = endpoint.lastIndexOf(":");
  return { host: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
}

function listen(endpoint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.resume();
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      // Somebody listens there already, which is as good.
      if (error.code === "EADDRINUSE") resolve();
      else reject(error);
    });
    server.listen(split(endpoint), resolve);
  });
}

function reach(endpoint: string, withinMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect(split(endpoint));
    const timer = setTimeout(() => finish("silent"), withinMs);
    const finish = (outcome: Outcome) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    socket.once("connect", () => finish("open"));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ETIMEDOUT") finish("silent");
      else finish(error.code === "ECONNREFUSED" ? "refused" : "unreachable");
    });
  });
}

if (import.meta.main) {
  const [verb, ...words] = process.argv.slice(2);
  if (verb === "listen") {
    await Promise.all(words.map(listen));
    process.stdout.write("listening\n");
    setInterval(() => {}, 1_000_000); // stays when all ports were taken already
  } else {
    const [ms, ...endpoints] = words;
    const outcomes = await Promise.all(endpoints.map((endpoint) => reach(endpoint, Number(ms))));
    process.stdout.write(`${JSON.stringify(outcomes)}\n`);
  }
}
