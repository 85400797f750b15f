/** Asks a running hub how sites are, at an endpoint of many sites: its group may, not only administrators. */

import { connect } from "node:net";
import { z } from "zod";
import { FarsiteError } from "../../common/errors.ts";
import { parseJson } from "../../common/json.ts";
import { SITE_COLUMNS, type SiteStatus, siteState } from "./status-host.ts";

/** Bytes of an answer: some ten thousand sites with reasons. */
const LARGEST_ANSWER = 16 << 20;
/** ms for the answer, which the hub has at hand. */
const TIMEOUT = 5_000;

/** @param path of the endpoint's Unix socket. @throws E_HUB_DOWN, E_QUERY */
export async function askSites(path: string): Promise<SiteStatus[]> {
  const query = `GET sites\nColumns: ${SITE_COLUMNS}\nOutputFormat: json\n\n`;
  const answer = await exchange(path, query);
  const rows = z.array(siteState).safeParse(parseJson(answer));
  if (!rows.success) {
    throw new FarsiteError("E_QUERY", `what answers at ${path} is no endpoint of a hub`);
  }
  return rows.data.map(([tenant, site, state, reason, rtt]) => ({ tenant, site, state, reason, rtt }));
}

function exchange(path: string, query: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = connect({ path });
    const fail = (reason: string) => {
      socket.destroy();
      reject(
        new FarsiteError(
          "E_HUB_DOWN",
          `no hub answers at ${path}: ${reason}`,
          "Start it with `farsite-hub serve` (or systemctl start farsite-hub), or name its --run-dir; " +
            "only its user, its group and root may ask it. A tenant has the socket when it has a site.",
        ),
      );
    };
    socket.setTimeout(TIMEOUT, () => fail(`nothing within ${TIMEOUT / 1000} s`));
    socket.on("error", (error) => fail((error as NodeJS.ErrnoException).code ?? error.message));
    socket.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > LARGEST_ANSWER) fail("its answer is too long");
      else chunks.push(chunk);
    });
    socket.on("end", () => resolve(Buffer.concat(chunks).toString()));
    socket.write(query);
  });
}
