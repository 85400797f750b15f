/** The requests of the cases and their answers, byte for byte. */
import { randomBytes } from "node:crypto";
import { SERVICE_COLUMNS, servicesAsJson } from "./services.ts";

export interface Exchange {
  /** The table it asks for; also names its files. */
  readonly name: string;
  readonly request: Buffer;
  readonly answer: Buffer;
}

const HEADER_BYTES = 16;

/** An answer with the 16-byte header that Livestatus gives for `ResponseHeader: fixed16`. */
function fixed16(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`200 ${String(body.length).padStart(11)}\n`), body]);
}

/** A request of exactly `bytes`, made up with a filter. */
function requestOf(bytes: number, headers: readonly string[]): Buffer {
  const bare = `${headers.join("\n")}\nFilter: \n\n`;
  const filter = "x".repeat(bytes - bare.length);
  return Buffer.from(`${headers.join("\n")}\nFilter: ${filter}\n\n`);
}

/** Random bytes: no tunnel gains by compressing them. `bytes` counts the header as well. */
function random(name: string, request: Buffer, bytes: number): Exchange {
  return { name, request, answer: fixed16(randomBytes(bytes - HEADER_BYTES)) };
}

const echo = requestOf(64, ["GET echo", "KeepAlive: on"]);

export const ECHO: Exchange = { name: "echo", request: echo, answer: echo };

export const PAGE = random("page", requestOf(64, ["GET page", "ResponseHeader: fixed16"]), 16_384);

export const SMALL = random("small", requestOf(64, ["GET small", "ResponseHeader: fixed16"]), 1024);

export const QUERY = random(
  "query",
  requestOf(120, ["GET query", "KeepAlive: on", "ResponseHeader: fixed16"]),
  10_000,
);

/** Services in JSON, in an answer of at most so many bytes with its header. */
function services(name: string, bytes = Number.POSITIVE_INFINITY): Exchange {
  const request = [
    `GET ${name}`,
    `Columns: ${SERVICE_COLUMNS.join(" ")}`,
    "OutputFormat: json",
    "ResponseHeader: fixed16",
    "KeepAlive: on",
    "\n",
  ].join("\n");
  const body = servicesAsJson(bytes - HEADER_BYTES);
  return { name, request: Buffer.from(request), answer: fixed16(Buffer.from(body)) };
}

export const SERVICES: Exchange = services("services");

/** The same table's first rows, as a view with a limit asks for them. */
export const VIEW: Exchange = services("view", 16_384);

/** What Checkmk asks a site, columns in the order in which Farsite's agent asks for them, so that one answer is right for both. */
const STATUS = [
  "program_start",
  "core_pid",
  "livestatus_version",
  "program_version",
  "num_hosts",
  "num_services",
];

/** The question by which Checkmk asks, for every page, whether a site is there. It says what time it is, as Checkmk does. */
export function statusProbe(): Exchange {
  const request = [
    "GET status",
    `Columns: ${STATUS.join(" ")}`,
    `Localtime: ${Math.floor(Date.now() / 1000)}`,
    "OutputFormat: json",
    "KeepAlive: on",
    "ResponseHeader: fixed16",
    "\n",
  ].join("\n");
  const body = '[[1790000000,4711,"2.4.0p10","Check_MK 2.4.0p10",300,3000]]\n';
  return { name: "status", request: Buffer.from(request), answer: fixed16(Buffer.from(body)) };
}

export const EXCHANGES: readonly Exchange[] = [ECHO, PAGE, SMALL, QUERY, SERVICES, VIEW, statusProbe()];
