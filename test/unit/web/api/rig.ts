/** The API of a hub with problems, history and a query's answer; every answer is held against the document. */

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect } from "vitest";
import { Refusal } from "../../../../common/livestatus/index.ts";
import type { ReachParts, Role } from "../../../../hub/access/index.ts";
import type { Problem, ProblemPage, Problems } from "../../../../hub/problems/index.ts";
import { type WebRig, webRig } from "../rig.ts";

interface Media {
  schema: object;
}
export interface Operation {
  operationId: string;
  parameters?: { in: string; name: string; schema: Record<string, unknown> }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
}
export interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const NONE = { down: 0, crit: 0, unreach: 0, unknown: 0, warn: 0 };
const PROBLEM: Omit<Problem, "id" | "tenant" | "site"> = {
  host: "db1",
  service: "CPU",
  state: "crit",
  hard: true,
  output: "load 99",
  since: 1_767_000_000_000,
  lastCheck: 0,
  attempt: 3,
  attempts: 3,
  acknowledged: false,
  downtime: false,
  ofHost: { state: "up", downtime: false, acknowledged: false },
  flapping: false,
  checksDisabled: false,
  notificationsDisabled: false,
  handled: false,
  commandable: true,
};

/** Three problems of each tenant; takes every command. */
export class MadeProblems implements Problems {
  readonly commands: unknown[] = [];

  async list(
    { tenant, offset = 0, limit = 100 }: Parameters<Problems["list"]>[0],
    tenants: Parameters<Problems["list"]>[1],
  ): Promise<ProblemPage> {
    const all = ["acme", "globex"].flatMap((each) =>
      [1, 2, 3].map((at): Problem => ({ ...PROBLEM, id: `${each}${at}`, tenant: each, site: "main" })),
    );
    const met = all.filter(
      (each) =>
        (tenants === "all" || tenants.includes(each.tenant)) &&
        (tenant === undefined || each.tenant === tenant),
    );
    return {
      problems: met.slice(offset, offset + limit),
      total: met.length,
      offset,
      counts: { ...NONE, crit: met.length },
      unhandled: { ...NONE, crit: met.length },
      // a clock that says nonsense
      missing: [{ tenant: "acme", site: "other", reason: "away", since: 1e300, shown: false }],
      cut: [{ tenant: "acme", site: "main", more: 5 }],
      asOf: 1_767_000_000_000,
    };
  }

  watch(): () => void {
    return () => {};
  }

  async command(...given: unknown[]) {
    this.commands.push(given);
    return { outcome: "sent", reason: "the core does not show it yet" } as const;
  }
}

const band = { min: [null, 1], avg: [null, 1.5], max: [null, 2] };
const history: NonNullable<ReachParts["history"]> = {
  series: () => ({
    until: 1_767_000_000_000,
    step: 60_000,
    rtt: band,
    received: band,
    sent: band,
    latency: band,
  }),
  spark: () => undefined,
  connects: () => [
    {
      at: 1_767_000_000_000,
      ended: 1_767_000_001_000,
      reason: "cut",
      carrier: "websocket",
      peer: "198.51.100.1",
      resumed: false,
    },
  ],
};

/** Answers every query that begins with GET. */
const queries: NonNullable<ReachParts["queries"]> = () =>
  ({
    query: (text: string, _client: string, events: { data(chunk: Buffer): void; whole(): void }) =>
      text.startsWith("GET ")
        ? {
            start() {
              events.data(Buffer.from('{"data":[["db1",0]],"columns":["name","state"],"failed":{}}'));
              events.whole();
            },
            consumed() {},
            cancel() {},
          }
        : new Refusal(400, "expected one request that begins with GET"),
  }) as never;

/** ms that pass with each call, so that the pace of one user is kept. */
const BETWEEN = 20;

export interface ApiRig extends WebRig {
  problems: MadeProblems;
  document: Document;
  /** A token with all rights of its user, unless a scope is named. */
  token(user: string, scope?: string[]): Promise<string>;
  /** Asks with a token, and holds the answer against the document. */
  call(token: string, method: string, path: string, body?: unknown): Promise<Called>;
}

export interface Called {
  status: number;
  headers: Headers;
  text: string;
  /** Undefined where it is no JSON. */
  json: Record<string, unknown> & { items: Record<string, unknown>[]; next?: string };
}

export const ALL = ["see", "command", "registry", "users", "audit", "hub"];
const ROLES: [Role, string[]][] = [
  ["administrator", []],
  ["operator", []],
  ["tenant-operator", ["acme"]],
  ["tenant-viewer", ["acme"]],
];

/** With a user of each role, by its name. */
export async function apiRig(parts: Partial<ReachParts> = {}): Promise<ApiRig> {
  const problems = new MadeProblems();
  const rig = await webRig({ parts: { problems, history, queries, ...parts } });
  for (const [role, tenants] of ROLES) await rig.addUser(role, role, tenants);
  let tokens = 0;
  const socket = {
    name: "test",
    role: "administrator",
    tenants: "all",
    via: "socket",
    from: "test",
  } as const;
  const token = async (user: string, scope = ALL) =>
    (await rig.access.reach(socket).accounts.addToken(user, `t${++tokens}`, scope as never, 1)).token;
  const first = await token("administrator");
  const answer = await rig.ask("/api/v1/openapi.json", { headers: { authorization: `Bearer ${first}` } });
  const document = (await answer.json()) as Document;
  const check = checker(document);
  const call: ApiRig["call"] = async (token, method, path, body) => {
    rig.world.clock.advance(BETWEEN);
    const headers = { authorization: `Bearer ${token}` };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await rig.ask(`/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...sent,
    });
    const text = await answer.text();
    const json = text.startsWith("{") ? JSON.parse(text) : undefined;
    check(method, path, answer, json);
    return { status: answer.status, headers: answer.headers, text, json };
  };
  return { ...rig, problems, document, token, call };
}

/** Which operation a request was for. */
export function operationAt(document: Document, method: string, path: string): Operation | undefined {
  const plain = path.split("?")[0] ?? "";
  const [, found] =
    Object.entries(document.paths).find(([pattern]) =>
      new RegExp(`^${pattern.replace(/\{\w+\}/g, "[^/]+")}$`).test(plain),
    ) ?? [];
  return found?.[method.toLowerCase()];
}

/** Every answer is one that the document declares, with no field that it does not know. */
function checker(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed(document) as object, "document");
  const compiled = new Map<string, ValidateFunction>();
  return (method: string, path: string, answer: Response, json: unknown) => {
    const operation = operationAt(document, method, path);
    const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
    if (!operation) return;
    const declared = operation.responses[answer.status];
    expect([method, path, Object.keys(operation.responses)]).toEqual([
      method,
      path,
      expect.arrayContaining([String(answer.status)]),
    ]);
    if (answer.status === 204) return;
    const content = declared?.content ?? {};
    expect(Object.keys(content)).toEqual([type]);
    if (!type.endsWith("json")) return;
    const key = `${operation.operationId} ${answer.status}`;
    const valid = compiled.get(key) ?? ajv.compile(rooted(closed(content[type]?.schema)) as object);
    compiled.set(key, valid);
    expect([method, path, valid(json), valid.errors]).toEqual([method, path, true, null]);
  };
}

/** In the document objects are open, for what a later release adds; this one must have nothing that it does not tell. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  return typeof inner.properties === "object" && inner.type === "object" && !("additionalProperties" in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

function rooted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rooted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === "$ref" ? `document${each as string}` : rooted(each),
    ]),
  );
}
