/**
 * A status dump: how hosts and services are, or what of that has changed. It is the body of an item of the kind
 * `dump` in the lane `status`, as JSON. One that is too long goes in parts; only the last one is complete.
 */
import { z } from "zod";

export const STATUS_LANE = "status";
export const DUMP = "dump";
/** The kind of those that `cmcdump` made. */
export const SHADOW = "shadow";

/** Longest body of a dump, in bytes; what 10,000 services need. */
export const MAX_DUMP = 4 << 20;
/** Objects in one. */
export const MAX_DUMP_OBJECTS = 20_000;
/** Longest name of a host, or of a service, in UTF-16 units; alias and address, too. */
export const MAX_NAME = 255;
/** Longest output and performance data of an object, in UTF-16 units; Nagios itself keeps 8 KiB. */
export const MAX_OUTPUT = 8_192;
/** Longest long output. */
export const MAX_LONG_OUTPUT = 16_384;
/** Longest arguments that `cmcdump` gives of an object: output, long output and performance data are among them. */
export const MAX_SHADOW = 2 * MAX_OUTPUT + MAX_LONG_OUTPUT;

const text = z.string();
const state = z.int().min(0).max(3);

/** Name, state (0 up, 1 down, 2 unreachable), output, long output, performance data, alias, address. */
const host = z.tuple([text, state, text, text, text, text, text]);
/** Host, description, state (0 OK, 1 warning, 2 critical, 3 unknown), output, long output, performance data. */
const service = z.tuple([text, text, state, text, text, text]);
const gone = z.union([z.tuple([text]), z.tuple([text, text])]);

const rules = {
  version: z.literal(1),
  /** It begins anew: what neither it nor its further parts name is not there any more. */
  reset: z.boolean(),
  /** Nothing is missing after it. */
  complete: z.boolean(),
  /** Hosts, with all their services, and services that are not there any more. */
  gone: z.array(gone),
};

export const dumpBody = z.object({ ...rules, hosts: z.array(host), services: z.array(service) });
export type DumpBody = z.output<typeof dumpBody>;
export type HostRecord = z.output<typeof host>;
export type ServiceRecord = z.output<typeof service>;
export type GoneRecord = z.output<typeof gone>;

/**
 * What `cmcdump` prints of a host or service behind its name, as it is: arguments of UPDATE_SHADOW_HOST_STATE and
 * UPDATE_SHADOW_SERVICE_STATE, which are nowhere described.
 */
const shadowHost = z.tuple([text, text]);
const shadowService = z.tuple([text, text, text]);

export const shadowBody = z.object({
  ...rules,
  hosts: z.array(shadowHost),
  services: z.array(shadowService),
});
export type ShadowBody = z.output<typeof shadowBody>;
export type ShadowHostRecord = z.output<typeof shadowHost>;
export type ShadowServiceRecord = z.output<typeof shadowService>;
