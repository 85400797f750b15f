/**
 * The ends of lines in a namespace of their own. Prints `ready`, then one JSON object a line.
 *
 *     bun far-end.ts serve NAME ROLE=PORT...   the services of a place; ends when it is told to
 *     bun far-end.ts talk HOST PORT MS         a spooler that connects
 *     bun far-end.ts digest HOST PORT SEED N   sends N bytes, half-closes, and prints what came back
 *     bun far-end.ts read HOST PORT            prints size and digest of all that comes
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { bytesOf, digestOf } from "./bytes.ts";
import { accept, talk } from "./spooler.ts";

/** Bytes of an agent's output: more than fits into buffers on the way. */
export const OUTPUT_BYTES = 3 << 20;

/** What `serve` can be. */
export type Role = "ec" | "cmk-agent" | "spooler";

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** All that comes until the other side ends; its own direction stays open. */
async function wholeOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** Answers once the client has half-closed, as the Event Console does. */
function eventConsole(port: number): Server {
  const serve = async (socket: Socket) => {
    const all = await wholeOf(socket);
    socket.end(`${all.length} ${digestOf(all)}`);
  };
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    serve(socket).catch(() => socket.destroy());
  }).listen(port, "127.0.0.1");
}

/** Says all it has to whoever connects, and ends. */
function agentOutput(port: number, name: string): Server {
  return createServer((socket) => {
    socket.on("error", () => {});
    socket.end(bytesOf(name, OUTPUT_BYTES));
    socket.resume();
  }).listen(port, "127.0.0.1");
}

async function serve(name: string, roles: readonly string[]): Promise<void> {
  for (const text of roles) {
    const [role, port] = text.split("=");
    const server = {
      ec: () => eventConsole(Number(port)),
      "cmk-agent": () => agentOutput(Number(port), name),
      spooler: () => accept(Number(port), (peer) => say({ peer })),
    }[role as Role]();
    await once(server, "listening");
  }
  process.stdout.write("ready\n");
}

async function digest(host: string, port: number, seed: string, count: number): Promise<void> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.end(bytesOf(seed, count));
  say({ answer: (await wholeOf(socket)).toString() });
}

async function read(host: string, port: number): Promise<void> {
  const all = await wholeOf(connect(port, host));
  say({ bytes: all.length, digest: digestOf(all) });
}

if (import.meta.main) {
  const [verb, ...words] = process.argv.slice(2);
  const [first = "", second = "", third = "", fourth = ""] = words;
  if (verb === "serve") await serve(first, words.slice(1));
  else if (verb === "talk") say(await talk(first, Number(second), Number(third)));
  else if (verb === "digest") await digest(first, Number(second), third, Number(fourth));
  else if (verb === "read") await read(first, Number(second));
  else throw new Error(`far-end: ${verb}: serve, talk, digest or read is expected`);
}
