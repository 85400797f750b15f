/** Hosts and services as records of a dump, wherever they were read. */
import {
  DUMP,
  type HostRecord,
  MAX_LONG_OUTPUT,
  MAX_NAME,
  MAX_OUTPUT,
  type ServiceRecord,
  type SHADOW,
  type ShadowHostRecord,
  type ShadowServiceRecord,
} from "../../../common/outbox/index.ts";
import { printable } from "../../../common/text.ts";

/** Longest reason that is kept, in UTF-16 units. */
const MAX_REASON = 200;

/** Of one host or service: exactly one of them. */
export type ObjectRecord =
  | { host: HostRecord | ShadowHostRecord }
  | { service: ServiceRecord | ShadowServiceRecord };

/** What was read: everything that was checked. Single records that are not as they should be do not count. */
export class Reading {
  /** By `nameOf`. */
  readonly objects = new Map<string, ObjectRecord>();
  /** Of what kind its dumps are. */
  readonly kind: typeof DUMP | typeof SHADOW;
  /** Records that do not count, and why the first of them does not. */
  refused = 0;
  reason: string | undefined;

  constructor(kind: typeof DUMP | typeof SHADOW = DUMP) {
    this.kind = kind;
  }

  /** @param parts host, and description where it is a service */
  add(parts: readonly string[], record: ObjectRecord): void {
    const name = nameOf(parts);
    // one that no dump has room for must not keep the others back
    if (parts.some((part) => part.length > MAX_NAME))
      this.refuse(`a name has more than ${MAX_NAME} characters`);
    else if (this.objects.has(name)) this.refuse(`${parts.join("/")} is there twice`);
    else this.objects.set(name, record);
  }

  refuse(reason: string): void {
    this.refused++;
    this.reason ??= printable(reason, MAX_REASON);
  }
}

/** Where hosts and services are read. */
export interface Reader {
  /** Throws an Error, with a reason for people, when nothing can be read. */
  read(): Promise<Reading>;
  /** What is under way fails at once. */
  stop(): void;
}

/** A name that no other object has; `partsOf` reads it. */
export function nameOf(parts: readonly string[]): string {
  return parts.join("\n");
}

/** Host, and description where it is a service. */
export function partsOf(name: string): [string] | [string, string] {
  const [host = "", description] = name.split("\n");
  return description === undefined ? [host] : [host, description];
}

/** Output, long output and performance data as the hub takes them. */
export function textsOf(output: string, long: string, perf: string): [string, string, string] {
  return [
    line(output).slice(0, MAX_OUTPUT),
    lines(long).slice(0, MAX_LONG_OUTPUT),
    line(perf).slice(0, MAX_OUTPUT),
  ];
}

/** What has one line; the hub refuses others. */
function line(text: string): string {
  return text.replace(/[\r\n\0]+/g, " ");
}

/** Nagios and its kin write a line break as `\n`, Icinga as what it is. */
function lines(long: string): string {
  return long.includes("\n") ? long : long.replaceAll("\\n", "\n");
}
