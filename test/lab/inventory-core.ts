/**
 * A small Livestatus server with the one table of Checkmk's that no free core has: hosts with `mk_inventory_last` and
 * `mk_inventory_gz`. Icinga 2 and Nagios know neither column, so nothing real can be installed for it. Bytes go out as
 * Checkmk's JSON has them: each as the character of its number.
 */
import { createServer } from "node:net";
import type { Cleanup } from "./cleanup.ts";

export interface InventoryHost {
  /** Seconds since the epoch; 0: no inventory. */
  last: number;
  gz: Buffer;
}

export interface InventoryCore {
  hosts: Map<string, InventoryHost>;
  /** Queries that came. */
  queries: string[];
}

export async function startInventoryCore(path: string, cleanup: Cleanup): Promise<InventoryCore> {
  const core: InventoryCore = { hosts: new Map(), queries: [] };
  const server = createServer((socket) => {
    let request = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      request += chunk.toString("latin1");
      if (!request.endsWith("\n\n")) return;
      core.queries.push(request.trimEnd());
      const body = Buffer.from(answerTo(request, core.hosts));
      socket.end(Buffer.concat([Buffer.from(`200 ${String(body.length).padStart(11)}\n`), body]));
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  cleanup.add("stop the inventory's core", () => void server.close());
  return core;
}

function answerTo(request: string, hosts: ReadonlyMap<string, InventoryHost>): string {
  const columns = /^Columns: (.*)$/m.exec(request)?.[1]?.split(" ") ?? [];
  const only = /^Filter: name = (.*)$/m.exec(request)?.[1];
  const rows = [...hosts].filter(([name]) => only === undefined || name === only);
  const cells = rows.map(([name, { last, gz }]) =>
    columns.map((column) => {
      if (column === "name") return JSON.stringify(name);
      return column === "mk_inventory_last" ? String(last) : jsonOf(gz);
    }),
  );
  return `[${cells.map((row) => `[${row.join(",")}]`).join(",\n")}]\n`;
}

function jsonOf(bytes: Buffer): string {
  const characters = [...bytes].map((byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92
      ? `\\u${byte.toString(16).padStart(4, "0")}`
      : String.fromCharCode(byte),
  );
  return `"${characters.join("")}"`;
}
