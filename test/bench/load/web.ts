/**
 * A web server that takes uploads, and the client that makes them, as programs of their own:
 *
 *     web.ts serve ADDRESS                 prints its port; answers each upload when all of it is there
 *     web.ts send HOST PORT MIB [--raw]    uploads so much, and prints the rate until it was answered, as JSON
 *
 * `--raw` sends a byte of TLS before the request, which the server leaves out: the hub then does not look at it.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const TLS = Buffer.of(0x16);
const BLOCK = Buffer.alloc(1 << 20, "Farsite ");
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nTrue";

function take(socket: Socket): void {
  let head = "";
  let left = -1;
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    let body = chunk;
    if (left < 0) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      left = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      body = chunk.subarray(chunk.length - (head.length - end - 4));
    }
    left -= body.length;
    if (left === 0) socket.end(ANSWER);
  });
}

async function serve(address: string): Promise<void> {
  const server = createServer(take).listen(0, address);
  await once(server, "listening");
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
}

async function send(host: string, port: number, mebibytes: number, raw: boolean): Promise<void> {
  const begun = performance.now();
  const socket = connect(port, host);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  const ended = once(socket, "close");
  if (raw) socket.write(TLS);
  socket.write(
    `POST /main/check_mk/automation.py?command=receive-config-sync HTTP/1.1\r\nHost: ${host}:${port}\r\n` +
      `Content-Length: ${mebibytes << 20}\r\nConnection: close\r\n\r\n`,
  );
  for (let i = 0; i < mebibytes; i++) if (!socket.write(BLOCK)) await once(socket, "drain");
  await ended;
  if (!answer.endsWith("\r\n\r\nTrue")) throw new Error(`the answer was ${JSON.stringify(answer)}`);
  const seconds = (performance.now() - begun) / 1000;
  process.stdout.write(`${JSON.stringify({ mbitPerSecond: (mebibytes * 8 * 1.048576) / seconds })}\n`);
}

const [verb, host = "", port, mebibytes, raw] = process.argv.slice(2);
if (verb === "serve") await serve(host);
else await send(host, Number(port), Number(mebibytes), raw === "--raw");
