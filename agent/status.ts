/** The agent's status socket: what `farsite-agent status` shows of the running agent. */

import { chmodSync, rmSync } from "node:fs";
import type { CoreReport } from "../common/core.ts";
import { FarsiteError, reasonOf } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import type { CoreWatch } from "./core/index.ts";
import type { ListenerState, Listeners } from "./listen/index.ts";
import type { DumpStatus, Forwarding, NotifyStatus, OutboxLane } from "./outbox/index.ts";
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
}

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
    pushOnly: services.pushOnly,
    listeners: listeners.states(),
    core: coreStatus(core?.report),
    outbox: (forwarding?.lanes() ?? []).map(({ oldest, ...lane }) => ({
      ...lane,
      oldest: oldest === undefined ? undefined : new Date(oldest).toISOString(),
    })),
    notifications: forwarding?.notifications(),
    dumps: forwarding?.dumps(),
  };
}

/** Throws E_LISTEN. */
export async function openStatusSocket(
  path: string,
  sites: readonly { status(): SiteStatus }[],
  damaged: readonly FarsiteError[],
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
      fetch: () => {
        const answer: AgentStatus = {
          version: VERSION,
          sites: sites.map((site) => site.status()),
          damaged: damaged.map(failureOf),
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

function coreStatus(report: CoreReport | undefined): CoreStatus | undefined {
  if (!report) return undefined;
  const { kind: _, service: __, since, ...rest } = report;
  return { ...rest, since: new Date(since).toISOString() };
}

/** Asks the running agent. Throws E_AGENT_DOWN. */
export async function askAgent(path: string): Promise<AgentStatus> {
  try {
    const response = await fetch("http://agent/status", { unix: path });
    return (await response.json()) as AgentStatus;
  } catch {
    throw new FarsiteError(
      "E_AGENT_DOWN",
      `no agent answers at ${path}`,
      "Start it with `farsite-agent run` (or systemctl start farsite-agent), or name its --run-dir.",
    );
  }
}
