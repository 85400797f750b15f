/** Connections for NagVis and Thruk, in the form of their own files. */

import { FarsiteError } from "../../common/errors.ts";
import { VERSION } from "../../common/version.ts";
import { type Connection, type LeftOut, type Plan, pathOf, socketText } from "./connection.ts";

/** A path that means the same in both files, without quoting of its own. */
const PLAIN_PATH = /^[\w/.,:@+-]+$/;

/** Backends for `nagvis.ini.php`: the ID is that of the connection, as Checkmk's own NagVis has it. */
export function nagvisBackends({ connections, leftOut }: Plan): string {
  const blocks = connections.map((connection) => {
    const { id, socket, statusHost } = connection;
    return [
      `[backend_${id}]`,
      'backendtype="mklivestatus"',
      `socket="${plain(connection, socketText(socket))}"`,
      ...(statusHost ? [`statushost="${statusHost.site}:${statusHost.host}"`] : []),
      "",
    ].join("\n");
  });
  return [`${comments(";", "for nagvis.ini.php", leftOut)}`, ...blocks].join("\n");
}

/** Peers for `thruk_local.d/`: one group for each tenant. */
export function thrukPeers({ connections, leftOut }: Plan): string {
  const peers = connections.map((connection) => {
    const { socket, tenant } = connection;
    return [
      "  <peer>",
      `    name    = ${pathOf(connection)}`,
      `    section = ${tenant}`,
      "    type    = livestatus",
      "    <options>",
      `      peer = ${socket.type === "unix" ? plain(connection, socket.path) : `${socket.host}:${socket.port}`}`,
      "    </options>",
      "  </peer>",
      "",
    ].join("\n");
  });
  const head = comments("#", "for a file in thruk_local.d", leftOut);
  return `${head}<Component Thruk::Backend>\n${peers.join("")}</Component>\n`;
}

function plain(connection: Connection, text: string): string {
  if (PLAIN_PATH.test(text)) return text;
  throw new FarsiteError(
    "E_USAGE",
    `the socket of ${pathOf(connection)} has a path that this file cannot hold surely: ${text}`,
    "Use TCP (without --unix), or a run directory without special characters in its name.",
  );
}

function comments(sign: string, where: string, leftOut: readonly LeftOut[]): string {
  const left = leftOut.map((site) => `${sign} ${pathOf(site)} is left out: ${site.reason}.\n`);
  return `${sign} Written by farsite-hub ${VERSION}, ${where}.\n${left.join("")}`;
}
