/** The heads that go on: to the site, and back to the client. */

import type { Field } from "../../common/http/index.ts";
import { listOf, type RequestHead, type ResponseHead, valuesOf } from "./head.ts";
import { rewriteLocation } from "./location.ts";

/** Fields of one connection, not of what goes through it (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "upgrade",
  "http2-settings",
]);

/** What a proxy before the hub says of the browser's request. */
const SAID_BEFORE = ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

/** Fields that tell where the client should look next. */
const PLACES = new Set(["location", "content-location"]);

export interface Wishes {
  /** The client will send nothing more on its connection. */
  close: boolean;
  /** The protocol that the client would change to. */
  upgrade: string | undefined;
}

/** What a client wants of its connection. */
export function wishesOf(head: RequestHead): Wishes {
  const options = listOf(head, "connection");
  const [upgrade] = options.includes("upgrade") && head.version === "1.1" ? valuesOf(head, "upgrade") : [];
  return {
    close: head.version === "1.0" || options.includes("close"),
    // inside HTTP/2 nothing could be seen, and no site needs it
    upgrade: upgrade?.toLowerCase().includes("h2c") ? undefined : upgrade,
  };
}

/** The head for the site. @param client its address */
export function requestHead(head: RequestHead, { close, upgrade }: Wishes, client: string): Buffer {
  const [host] = valuesOf(head, "host");
  const before = valuesOf(head, "x-forwarded-for");
  const fields: Field[] = [
    ...endToEnd(head).filter(([name]) => !["x-forwarded-for", "forwarded"].includes(name.toLowerCase())),
    ["X-Forwarded-For", [...before, client].join(", ")],
  ];
  if (host !== undefined && !fields.some(([name]) => SAID_BEFORE.includes(name.toLowerCase()))) {
    fields.push(
      ["X-Forwarded-Proto", "http"],
      ["X-Forwarded-Host", host],
      ["X-Forwarded-Port", /:(\d+)$/.exec(host)?.[1] ?? "80"],
    );
  }
  if (upgrade !== undefined) fields.push(["Connection", "Upgrade"], ["Upgrade", upgrade]);
  else if (close) fields.push(["Connection", "close"]);
  return textOf(`${head.method} ${head.target} HTTP/${head.version}`, fields);
}

/** The head for the client. @param host by which it called the site @param close its connection ends behind it */
export function responseHead(head: ResponseHead, host: string | undefined, close: boolean): Buffer {
  const fields = endToEnd(head).map(
    ([name, value]): Field => [
      name,
      host !== undefined && PLACES.has(name.toLowerCase()) ? rewriteLocation(value, host) : value,
    ],
  );
  const [upgrade] = head.status === 101 ? valuesOf(head, "upgrade") : [];
  if (upgrade !== undefined) fields.push(["Connection", "Upgrade"], ["Upgrade", upgrade]);
  else if (close) fields.push(["Connection", "close"]);
  return textOf(`HTTP/1.1 ${head.status} ${head.reason}`, fields);
}

function endToEnd(head: RequestHead | ResponseHead): Field[] {
  const named = new Set(listOf(head, "connection").filter((name) => !FRAMING.has(name)));
  return head.fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.has(lower);
  });
}

/** Cannot be taken away by naming them in Connection: a body would become the next request, a host another. */
const FRAMING = new Set(["content-length", "transfer-encoding", "host"]);

function textOf(first: string, fields: readonly Field[]): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${first}\r\n${lines.join("")}\r\n`, "latin1");
}
