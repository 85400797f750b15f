/** Writes into the audit what nobody waits for. */

import type { Log } from "../../common/log.ts";
import type { Actor } from "./audit/index.ts";
import type { Registry } from "./registry.ts";

export class AuditWriter {
  /** Records that could not be written, since the hub's start. */
  failures = 0;

  constructor(
    private readonly registry: Pick<Registry, "record">,
    private readonly log: Log,
  ) {}

  /** @param target the tenant, or `TENANT/SITE`; empty where it is about the hub */
  record(actor: Actor | string, action: string, target: string, detail: string): void {
    this.registry.record(actor, action, target, detail).catch(() => {
      this.failures++;
      this.log.warn("the registry cannot be written");
    });
  }
}
