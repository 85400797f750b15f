/**
 * Networks of a provider and its customers on one machine, out of network namespaces:
 *
 *     hub 203.0.113.10 -- internet (router) -+- acme-firewall   -- acme    10.0.0.10
 *                                            +- globex-firewall -- globex  10.0.0.10
 *
 * Every customer has the same private addresses. A customer's firewall lets nothing in but answers, nothing
 * out but TCP to port 443, and hides the inside behind its own outside address (198.51.100.x). Outside
 * addresses are from the ranges for documentation (RFC 5737).
 */
import { reasonOf } from "../../common/errors.ts";
import type { Cleanup } from "./cleanup.ts";
import { command } from "./command.ts";
import { isRoot } from "./debian.ts";
import { freshPrefix, Namespaces, removeLeftovers } from "./namespaces.ts";

/** What {@link createNetwork} needs to be installed. */
export const NETWORK_PACKAGES = ["iproute2", "nftables"];

export const HUB_ADDRESS = "203.0.113.10";
export const ROUTER_ADDRESS = "203.0.113.1";
export const CUSTOMER_ADDRESS = "10.0.0.10";
export const CUSTOMER_GATEWAY = "10.0.0.1";
export const CUSTOMER_PREFIX = "10.0.0.0/24";

/** A TCP packet that a firewall threw away. */
export interface Drop {
  from: string;
  to: string;
  port: number;
}

const FIREWALL = `
table inet firewall {
  set dropped { type ipv4_addr . ipv4_addr . inet_service; flags dynamic; size 65535; }
  chain input {
    type filter hook input priority filter; policy drop;
    iif "lo" accept
    ct state established,related accept
    add @dropped { ip saddr . ip daddr . tcp dport }
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" oifname "wan" tcp dport 443 accept
    add @dropped { ip saddr . ip daddr . tcp dport }
  }
}
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade
  }
}
`;

const MAX_TENANTS = 64; // a /30 each, out of 198.51.100.0/24

/**
 * Builds the network. Needs root, iproute2 and nftables; see {@link canUseNamespaces}. Any number of
 * networks, of this process and of others, exist side by side. What a killed run left behind is removed.
 * @param options `tenants`: lower-case names, at most 64; the names "hub" and "internet" and names that end
 *   in "-firewall" are taken
 */
export function createNetwork(options: {
  tenants: readonly string[];
  cleanup?: Cleanup | undefined;
}): Network {
  removeLeftovers();
  const network = new Network(options.tenants, freshPrefix());
  options.cleanup?.add("remove the network", () => network.remove());
  try {
    network.build();
  } catch (thrown) {
    network.remove();
    throw thrown;
  }
  return network;
}

/** Whether this process may and can make namespaces with firewalls here; tried out, not guessed. */
export function canUseNamespaces(): { usable: true } | { usable: false; why: string } {
  if (!isRoot()) return { usable: false, why: "network namespaces need root" };
  try {
    createNetwork({ tenants: ["try"] }).remove();
    return { usable: true };
  } catch (thrown) {
    return { usable: false, why: `network namespaces do not work here: ${reasonOf(thrown)}` };
  }
}

/** The place name of a tenant's firewall, for {@link Network.namespace} and the like. */
export function firewallOf(tenant: string): string {
  return `${tenant}-firewall`;
}

export class Network extends Namespaces {
  constructor(
    readonly tenants: readonly string[],
    prefix: string,
  ) {
    if (tenants.length > MAX_TENANTS) throw new Error(`at most ${MAX_TENANTS} tenants in one network`);
    for (const tenant of tenants) {
      if (!/^(?!(hub|internet)$)(?!.*-firewall$)[a-z][a-z0-9-]{0,40}$/.test(tenant)) {
        throw new Error(`${JSON.stringify(tenant)} cannot be a tenant's name in the lab's network`);
      }
    }
    super(["hub", "internet", ...tenants.flatMap((tenant) => [tenant, firewallOf(tenant)])], prefix);
  }

  /** The address that a tenant's firewall shows to the internet. */
  outsideAddress(tenant: string): string {
    return `198.51.100.${this.#link(tenant) + 2}`;
  }

  /** The internet's address on the line to a tenant's firewall. */
  lineAddress(tenant: string): string {
    return `198.51.100.${this.#link(tenant) + 1}`;
  }

  /** What a tenant's firewall has thrown away, each kind once; nothing when its rules are gone. */
  dropped(tenant: string): Drop[] {
    const listing = this.attempt(firewallOf(tenant), [
      "nft",
      "-j",
      "list",
      "set",
      "inet",
      "firewall",
      "dropped",
    ]);
    return listing.ok ? parseDrops(listing.stdout) : [];
  }

  /** Makes a tenant's firewall forget what it has thrown away. */
  forgetDropped(tenant: string): void {
    this.attempt(firewallOf(tenant), ["nft", "flush", "set", "inet", "firewall", "dropped"]);
  }

  build(): void {
    this.make();
    this.#connect("internet", "hub", "hub", "eth0");
    this.ip("internet", [`addr add ${ROUTER_ADDRESS}/24 dev hub`, "link set hub up"]);
    this.ip("hub", [
      `addr add ${HUB_ADDRESS}/24 dev eth0`,
      "link set eth0 up",
      `route add default via ${ROUTER_ADDRESS}`,
    ]);
    this.#forward("internet");
    for (const tenant of this.tenants) this.#buildTenant(tenant);
  }

  #buildTenant(tenant: string): void {
    const firewall = firewallOf(tenant);
    const line = `line${this.#link(tenant)}`;
    this.command(firewall, ["nft", "-f", "-"], FIREWALL);
    this.#connect("internet", line, firewall, "wan");
    this.#connect(firewall, "lan", tenant, "eth0");
    this.ip("internet", [`addr add ${this.lineAddress(tenant)}/30 dev ${line}`, `link set ${line} up`]);
    this.ip(firewall, [
      `addr add ${this.outsideAddress(tenant)}/30 dev wan`,
      `addr add ${CUSTOMER_GATEWAY}/24 dev lan`,
      "link set wan up",
      "link set lan up",
      `route add default via ${this.lineAddress(tenant)}`,
    ]);
    this.ip(tenant, [
      `addr add ${CUSTOMER_ADDRESS}/24 dev eth0`,
      "link set eth0 up",
      `route add default via ${CUSTOMER_GATEWAY}`,
    ]);
    this.#forward(firewall);
  }

  /** A cable between two namespaces, with the name of the interface at each end. */
  #connect(from: string, fromName: string, to: string, toName: string): void {
    const peer = ["peer", "name", toName, "netns", this.namespace(to)];
    command(["ip", "link", "add", fromName, "netns", this.namespace(from), "type", "veth", ...peer]);
  }

  #forward(place: string): void {
    this.command(place, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }

  #link(tenant: string): number {
    const index = this.tenants.indexOf(tenant);
    if (index === -1) throw new Error(`no tenant ${JSON.stringify(tenant)} in the lab's network`);
    return index * 4;
  }
}

/** The set as libnftables-json(5) has it. */
function parseDrops(json: string): Drop[] {
  const { nftables } = JSON.parse(json) as {
    nftables: { set?: { elem?: { concat: [string, string, number] }[] } }[];
  };
  return nftables
    .flatMap((entry) => entry.set?.elem ?? [])
    .map(({ concat: [from, to, port] }) => ({ from, to, port }));
}
