/** The REST client with Bun's own fetch, at servers that do not do what they should. */
import { createServer, type Socket } from "node:net";
import { afterAll, expect, test } from "vitest";
import { SECRET } from "../../lab/central.ts";
import { Cleanup } from "../../lab/cleanup.ts";
import { client, failure } from "../../unit/checkmk/rig.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

/** A server of 127.0.0.1 that treats each connection in its own way; gives the API's URL at it. */
async function serve(treat: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    treat(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.add("stop a server", () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/central/check_mk/api/1.0`;
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

test.each([
  ["never answers", () => {}, "did not answer within 0.3 s"],
  [
    "stops in the middle",
    (socket: Socket) => socket.write(`${HEAD}content-length: 99\r\n\r\n{"ver`),
    "did not answer within 0.3 s",
  ],
  [
    "breaks in the middle",
    (socket: Socket) => socket.end(`${HEAD}content-length: 99\r\n\r\n{"ver`),
    "cannot be reached",
  ],
  ["hangs up", (socket: Socket) => socket.destroy(), "cannot be reached"],
  ["is no web server", (socket: Socket) => socket.end("220 mail.example ESMTP\r\n"), "cannot be reached"],
])("a central site that %s", async (_, treat, says) => {
  const url = await serve((socket) => void socket.once("data", () => treat(socket)));
  const central = client((address, init) => fetch(address, init), { url, timeout: 300 });
  const error = await failure(central.version());
  expect(error).toMatchObject({ code: "E_CHECKMK_UNREACHABLE", message: expect.stringContaining(says) });
  expect(error.message).not.toContain(SECRET);
});

test("what a redirection leads to is never asked", async () => {
  let asked = 0;
  const elsewhere = await serve(() => asked++);
  const url = await serve(
    (socket) =>
      void socket.once("data", () =>
        socket.end(`HTTP/1.1 302 Found\r\nlocation: ${elsewhere}\r\ncontent-length: 0\r\n\r\n`),
      ),
  );
  const error = await failure(client((address, init) => fetch(address, init), { url }).version());
  expect(error).toMatchObject({ code: "E_CHECKMK_ANSWER", message: expect.stringContaining(elsewhere) });
  expect(asked).toBe(0);
});
