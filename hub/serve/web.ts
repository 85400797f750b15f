/** Wires the web interface, where hub.toml has `[web]`. */

import type { Hono } from "hono";
import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Random } from "../../common/random.ts";
import type { Access } from "../access/index.ts";
import type { WebConfig } from "../config/index.ts";
import type { KeyedCertificate } from "../tls/index.ts";
import { listenWeb, type WebListener, webApp } from "../web/index.ts";

export interface WebParts {
  web: WebConfig;
  /** What it shows; undefined: it does no TLS. */
  certificate: KeyedCertificate | undefined;
  access: Access;
  /** Names of the services that sites can have. */
  services: readonly string[];
  clock: Clock;
  /** `/metrics`, and `/healthz` and `/readyz`. */
  metrics: Hono;
  health: Hono;
  random: Random;
  log: Log;
}

/** Listens. Throws E_LISTEN or E_CONFIG. */
export async function openWeb({ certificate, ...parts }: WebParts): Promise<WebListener> {
  const { web } = parts;
  return listenWeb(web, certificate, await webApp(parts));
}
