/** The agent's status socket: what `farsite-agent status` shows of the running agent. */

import { chmodSync, rmSync } from "node:fs";
import { z } from "zod";
import type { Reloader, ReloadReport } from "../common/config/index.ts";
import type { CoreReport } from "../common/core.ts";
import { ERROR_CODES, FarsiteError, isErrorCode, reasonOf } from "../common/errors.ts";
import { isOlder } from "../common/release.ts";
import { VERSION } from "../common/version.ts";
import type { AgentConfig } from "./config.ts";
import type { CoreWatch } from "./core/index.ts";
import type { ListenerState, Listeners } from "./listen/index.ts";
import type { DumpStatus, Forwarding, InventoryStatus, NotifyStatus, OutboxLane } from "./outbox/index.ts";
import type { Services } from "./service/index.ts";
import { type Connector, type ConnectorStatus, type Failure, failureOf } from "./tunnel/index.ts";

export const STATUS_SOCKET = "status.sock";

export interface AgentStatus {
  version: string;
  sites: SiteStatus[];
  /** Why there is nothing of other enrolments: they cannot be read. */
  damaged: Failure[];
}

/** One site that this agent serves. */
export interface SiteStatus extends Omit<ConnectorStatus, "since" | "lastError"> {
  /** The enrolment's name. */
  name: string;
  /** ISO 8601, as `lastError.at`. */
  since: string;
  lastError?: Failure & { at: string };
  services: string[];
  /** The hub's release, where that is newer than this agent's. */
  update: string | undefined;
  /** Nothing of the hub is let in. */
  pushOnly: boolean;
  /** What is taken here for the central side. */
  listeners: ListenerState[];
  /** Undefined when there is none, or it was not asked yet. */
  core: CoreStatus | undefined;
  /** What waits for the hub; `oldest` is ISO 8601. */
  outbox: OutboxView[];
  /** Undefined when none are taken. */
  notifications: NotifyStatus | undefined;
  /** Undefined when none are made. */
  dumps: DumpStatus | undefined;
  /** Undefined when none is mirrored; `synced` is ISO 8601. */
  inventory: InventoryView | undefined;
}

export type InventoryView = Omit<InventoryStatus, "synced"> & { synced: string | undefined };

export type OutboxView = Omit<OutboxLane, "oldest"> & { oldest: string | undefined };

/** How the agent finds the core; `since` is ISO 8601. */
export type CoreStatus = Dated<CoreReport>;
type Dated<T> = T extends CoreReport ? Omit<T, "kind" | "service" | "since"> & { since: string } : never;

/** What is told of a site. */
export function siteStatus(
  name: string,
  connector: Connector,
  services: Services,
  core: CoreWatch | undefined,
  listeners: Listeners,
  forwarding: Forwarding | undefined,
): SiteStatus {
  const { since, lastError, ...status } = connector.status();
  return {
    name,
    since: new Date(since).toISOString(),
    ...status,
    ...(lastError && { lastError: { ...lastError, at: new Date(lastError.at).toISOString() } }),
    services: services.names,
    update:
      status.hubVersion !== undefined && isOlder(VERSION, status.hubVersion) ? status.hubVersion : undefined,
    pushOnly: services.pushOnly,
    listeners: listeners.states(),
    core: coreStatus(core?.report),
    outbox: (forwarding?.lanes() ?? []).map(({ oldest, ...lane }) => ({
      ...lane,
      oldest: oldest === undefined ? undefined : new Date(oldest).toISOString(),
    })),
    notifications: forwarding?.notifications(),
    dumps: forwarding?.dumps(),
    inventory: inventoryView(forwarding?.inventory()),
  };
}

function inventoryView(status: InventoryStatus | undefined): InventoryView | undefined {
  if (!status) return undefined;
  const { synced } = status;
  return { ...status, synced: synced === undefined ? undefined : new Date(synced).toISOString() };
}

/** A site that this agent serves, as far as it is asked here. */
export interface AskedSite {
  status(): SiteStatus;
  /** Asks the hub to take a new key; false when there is no way to the hub now. Throws E_STATE. */
  renewKey(): boolean;
}

/** A site's key before it is renewed. */
export interface AskedKey {
  /** The enrolment's name. */
  name: string;
  key: string;
}

/** Throws E_LISTEN. */
export async function openStatusSocket(
  path: string,
  sites: { readonly all: readonly AskedSite[]; readonly damaged: readonly FarsiteError[] },
  reloader: Pick<Reloader<AgentConfig>, "reload" | "check">,
): Promise<{ stop(): Promise<void> }> {
  if (
    await askAgent(path).then(
      () => true,
      () => false,
    )
  ) {
    throw new FarsiteError(
      "E_LISTEN",
      `another agent runs with ${path}`,
      "Stop it, or use another --run-dir.",
    );
  }
  rmSync(path, { force: true });
  try {
    const server = Bun.serve({
      unix: path,
      fetch: async (request) => {
        const { pathname } = new URL(request.url);
        if (request.method === "POST" && pathname === "/reload") return answerReload(() => reloader.reload());
        if (pathname === "/reload") return answerReload(() => reloader.check());
        if (request.method === "POST") return renewKeys(request, sites.all);
        const answer: AgentStatus = {
          version: VERSION,
          sites: sites.all.map((site) => site.status()),
          damaged: sites.damaged.map(failureOf),
        };
        return Response.json(answer);
      },
    });
    chmodSync(path, 0o660);
    return {
      stop: async () => {
        await server.stop(true);
        rmSync(path, { force: true });
      },
    };
  } catch (error) {
    throw new FarsiteError("E_LISTEN", `the status socket ${path} cannot be opened: ${reasonOf(error)}`);
  }
}

/** Renews the key of one site, or of all. */
function renewKeys(request: Request, sites: readonly AskedSite[]): Response {
  const wanted = new URL(request.url).searchParams.get("site");
  try {
    const asked: AskedKey[] = [];
    for (const site of sites) {
      const { name, key, tenant, site: id } = site.status();
      if (wanted !== null && wanted !== name) continue;
      if (!site.renewKey()) {
        throw new FarsiteError(
          "E_HUB_UNREACHABLE",
          `the agent of ${tenant}/${id} is not connected to its hub, which has to take the new key`,
          "farsite-agent status says why.",
        );
      }
      asked.push({ name, key });
    }
    if (asked.length > 0) return Response.json(asked);
    throw new FarsiteError("E_NOT_FOUND", `this agent has no site named ${wanted}`);
  } catch (error) {
    const known = error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", reasonOf(error));
    return Response.json(failureOf(known), { status: 400 });
  }
}

const asked = z.array(z.object({ name: z.string(), key: z.string() }));
const refusal = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** Asks the running agent to renew the key of one site, or of all. Throws E_AGENT_DOWN, and what it answers. */
export async function askForKey(path: string, site: string | undefined): Promise<AskedKey[]> {
  const query = site === undefined ? "" : `?site=${encodeURIComponent(site)}`;
  const answer: unknown = await fetch(`http://agent/key/renew${query}`, { unix: path, method: "POST" })
    .then((response) => response.json())
    .catch(() => {
      throw agentDown(path);
    });
  const refused = refusal.safeParse(answer).data;
  if (refused && isErrorCode(refused.code))
    throw new FarsiteError(refused.code, refused.message, refused.hint);
  return asked.parse(answer);
}

function agentDown(path: string): FarsiteError {
  return new FarsiteError(
    "E_AGENT_DOWN",
    `no agent answers at ${path}`,
    "Start it with `farsite-agent run` (or systemctl start farsite-agent), or name its --run-dir.",
  );
}

async function answerReload(work: () => Promise<ReloadReport>): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    const { code, message, hint } =
      error instanceof FarsiteError ? error : new FarsiteError("E_INTERNAL", reasonOf(error));
    return Response.json({ code, message, hint }, { status: 400 });
  }
}

function coreStatus(report: CoreReport | undefined): CoreStatus | undefined {
  if (!report) return undefined;
  const { kind: _, service: __, since, ...rest } = report;
  return { ...rest, since: new Date(since).toISOString() };
}

/** Asks the running agent. Throws E_AGENT_DOWN. */
export async function askAgent(path: string): Promise<AgentStatus> {
  return (await (await ask(path, "GET", "/status")).json()) as AgentStatus;
}

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const report = z.object({
  changed: z.array(z.string()),
  renewed: z.array(z.string()),
  restart: z.array(z.string()),
});

/**
 * Lets the running agent read agent.toml again. Throws E_AGENT_DOWN, or what is wrong with it.
 * @param check only says what it would do
 */
export async function askReload(path: string, check: boolean): Promise<ReloadReport> {
  const response = await ask(path, check ? "GET" : "POST", "/reload");
  const answer: unknown = await response.json();
  // one that is older knows only its status
  const told = report.safeParse(answer).data;
  if (told) return told;
  const { code = "", message, hint } = failure.safeParse(answer).data ?? {};
  if (!isErrorCode(code)) {
    throw new FarsiteError("E_INTERNAL", "the running agent cannot reload", "Restart it.");
  }
  throw new FarsiteError(code, message ?? ERROR_CODES[code], hint);
}

async function ask(path: string, method: "GET" | "POST", what: string): Promise<Response> {
  try {
    return await fetch(`http://agent${what}`, { unix: path, method });
  } catch {
    throw agentDown(path);
  }
}
