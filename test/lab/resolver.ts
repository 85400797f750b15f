/** A resolver of a lab network, and the file that names it to the programs of a namespace. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import type { Namespaces } from "./namespaces.ts";
import { launch } from "./process.ts";

export const RESOLVER_PACKAGES = ["dnsmasq-base"];

/** What `ip netns exec` shows as /etc to what runs in a namespace (ip-netns(8)). */
const NETNS_ETC = "/etc/netns";

/**
 * Starts one at `address` of the place `at` that knows `names` and asks nobody else, and lets the programs in the
 * place `for` use it.
 */
export async function startResolver(
  network: Namespaces,
  options: { at: string; address: string; for: string; names: Record<string, string>; cleanup: Cleanup },
): Promise<void> {
  const { at, address, names, cleanup } = options;
  const folder = join(NETNS_ETC, network.namespace(options.for));
  mkdirSync(folder, { recursive: true });
  cleanup.add(`remove ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${address}\n`);
  const known = Object.entries(names).map(([name, to]) => `--address=/${name}/${to}`);
  const words = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"];
  await launch(
    [
      "dnsmasq",
      ...words,
      "--pid-file",
      "--log-facility=-",
      "--bind-interfaces",
      `--listen-address=${address}`,
      ...known,
    ],
    {
      label: "the resolver",
      netns: network.namespace(at),
      cleanup,
      ready: (child) => child.output.includes("started, version"),
    },
  );
}
