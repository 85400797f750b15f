/** `query.ts HOST:PORT|/PATH QUERY`: asks Livestatus and prints the rows as JSON. Runs in the hub's network. */
import { rows, type Target } from "../lab/livestatus.ts";

const [where = "", query = ""] = process.argv.slice(2);
const [host = "", port] = where.split(":");
const target: Target = where.startsWith("/") ? { unix: where } : { host, port: Number(port) };
process.stdout.write(JSON.stringify(await rows(target, query, { timeoutMs: 30_000 })));
