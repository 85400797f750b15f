/** Wires what Prometheus and load balancers ask for. */

import { X509Certificate } from "node:crypto";
import { Hono } from "hono";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import { VERSION } from "../../common/version.ts";
import type { HubConfig } from "../config/index.ts";
import { Health, healthApp, MetricsListener, metricsApp, type Sources } from "../metrics/index.ts";
import { type AuditWriter, type Store, trailOf } from "../registry/index.ts";
import type { TlsIdentity } from "../tls/index.ts";

export interface MetricsParts extends Omit<Sources, "version" | "started" | "audit" | "certificateEnds"> {
  config: HubConfig["metrics"];
  store: Store;
  recorder: AuditWriter;
  tls: () => TlsIdentity | undefined;
  /** Agents can connect. */
  listening: () => boolean;
  /** Nothing is stuck. */
  alive: () => boolean;
  clock: Clock;
  log: Log;
}

export interface Metrics {
  /** `/metrics` with the labels of hub.toml: for those who may know of all tenants. */
  metrics: Hono;
  /** `/healthz` and `/readyz`, for anybody. */
  health: Hono;
  /** Opens the listener that hub.toml asks for. */
  start(): void;
  stop(): Promise<void>;
}

export function openMetrics(parts: MetricsParts): Metrics {
  const { config, store, recorder, tls, listening, alive, clock, log } = parts;
  const sources: Sources = {
    ...parts,
    version: VERSION,
    started: clock.wall(),
    audit: () => ({ newest: trailOf(store).head.number, failures: recorder.failures }),
    certificateEnds: () => {
      const identity = tls();
      return identity && new X509Certificate(identity.certificate).validToDate.getTime();
    },
  };
  const registry = () => store.transaction((sql) => sql`SELECT 1`);
  const health = healthApp(new Health({ registry, listening, alive, clock }));
  const { address, port } = config;
  const app = new Hono().route("/metrics", metricsApp({ sources, clock })).route("/", health);
  const listener = port === undefined ? undefined : new MetricsListener({ address, port, app, clock, log });
  return {
    metrics: metricsApp({ sources, labels: config.labels, clock }),
    health,
    start: () => listener?.start(),
    stop: async () => listener?.stop(),
  };
}
