/** Where the demonstration plays: namespaces with firewalls where that is possible, else loopback. */
import { createServer } from "node:net";
import type { Cleanup } from "../lab/cleanup.ts";
import { ensurePackages } from "../lab/debian.ts";
import { crossTenantBlocked, type Isolation, inboundBlocked } from "../lab/isolation.ts";
import { canUseNamespaces, createNetwork, HUB_ADDRESS, NETWORK_PACKAGES } from "../lab/network.ts";

export interface Firewall {
  /** null: not shown here. */
  inboundBlocked: boolean | null;
  crossTenantBlocked: boolean | null;
}

export interface Stage {
  isolation: "netns" | "loopback";
  /** Where the hub listens, and what else its configuration says. */
  hub: { address: string; port: number; endpoints: string };
  /** The namespace of the hub or of a tenant. */
  netns(place: string): string | undefined;
  /** Tries whether anything reaches this customer from outside, or from the other customer. */
  tryFirewall(tenant: string, other: string): Promise<{ firewall: Firewall; tries: number }>;
  /** What cannot be shown here, and why. */
  lacking: string | undefined;
}

export async function setStage(tenants: readonly string[], cleanup: Cleanup): Promise<Stage> {
  const missing = await ensurePackages(NETWORK_PACKAGES, { why: "the customers' firewalls" });
  const able =
    missing.length === 0
      ? canUseNamespaces()
      : { usable: false as const, why: `${missing.join(", ")} missing` };
  if (!able.usable) return loopback(able.why);
  const network = createNetwork({ tenants, cleanup });
  return {
    isolation: "netns",
    hub: { address: HUB_ADDRESS, port: 443, endpoints: "" },
    netns: (place) => network.namespace(place),
    async tryFirewall(tenant, other) {
      const inbound = await inboundBlocked(network, tenant);
      const cross = await crossTenantBlocked(network, other, tenant);
      return {
        firewall: { inboundBlocked: inbound.isolated, crossTenantBlocked: cross.isolated },
        tries: triesOf(inbound) + triesOf(cross),
      };
    },
    lacking: undefined,
  };
}

function triesOf(isolation: Isolation): number {
  return isolation.results.filter((result) => !result.control).length;
}

async function loopback(why: string): Promise<Stage> {
  return {
    isolation: "loopback",
    // another hub on this machine may have the usual addresses
    hub: {
      address: "127.0.0.1",
      port: await freePort(),
      endpoints: `[endpoints]\npool = "127.${64 + Math.ceil(Math.random() * 60)}.0.0/16"\n`,
    },
    netns: () => undefined,
    tryFirewall: async () => ({ firewall: { inboundBlocked: null, crossTenantBlocked: null }, tries: 0 }),
    lacking: `everything runs on loopback (${why}); separate networks with equal addresses and firewalls are not shown`,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === "object") resolve(address.port);
        else reject(new Error("no free port"));
      });
    });
  });
}
