/** Sites as a hub has them, and an application of connections to a central site in memory. */
import { FarsiteError } from "../../../common/errors.ts";
import { DEFAULT_SITE_ID, type Plan, planConnections, type Wishes } from "../../../hub/checkmk/index.ts";
import {
  type ApplyOptions,
  apply,
  type Ledger,
  type Made,
  type Outcome,
} from "../../../hub/checkmk/rest/apply.ts";
import { Central, type CentralOptions } from "../../../hub/checkmk/rest/central.ts";
import type { EndpointState } from "../../../hub/endpoint/index.ts";
import { API, SECRET, type TestCentral, USER } from "../../lab/central.ts";

const PORTS: Record<string, number> = {
  livestatus: 6557,
  http: 5000,
  https: 443,
  notify: 6555,
  broker: 5673,
};
const USUAL = ["livestatus", "http", "notify"];

export interface TestSite {
  tenant: string;
  site: string;
  address: string;
  services: string[];
  state: "connected" | "disabled";
}

/** `acme/main` at an address, with the usual services. */
export function site(path: string, address: string, change: Partial<TestSite> = {}): TestSite {
  const [tenant = "", name = ""] = path.split("/");
  return { tenant, site: name, address, services: USUAL, state: "connected", ...change };
}

export function endpointsOf({ tenant, site, address, services, state }: TestSite): EndpointState[] {
  if (state === "disabled") return [];
  return services.map((service) => ({
    tenant,
    site,
    service,
    address,
    port: PORTS[service] ?? 9,
    socket: `/run/farsite-hub/${tenant}/${site}/${service}.sock`,
    state: "listening" as const,
    clients: 0,
  }));
}

export function planOf(sites: TestSite[], wishes: Partial<Wishes> = {}): Plan {
  return planConnections(sites, sites.flatMap(endpointsOf), { siteId: DEFAULT_SITE_ID, ...wishes });
}

export class TestLedger implements Ledger {
  readonly made = new Map<string, Made>();

  async list(): Promise<Made[]> {
    return [...this.made.values()];
  }

  async note(made: Made): Promise<void> {
    this.made.set(made.id, made);
  }

  async forget(id: string): Promise<void> {
    this.made.delete(id);
  }
}

export function client(fetch: CentralOptions["fetch"], change: Partial<CentralOptions> = {}): Central {
  return new Central({
    url: `https://central.example${API}`,
    user: USER,
    secret: SECRET,
    timeout: 60_000,
    fetch,
    ...change,
  });
}

export interface Applied extends Partial<Pick<ApplyOptions, "tenant" | "prune" | "dryRun">> {
  wishes?: Partial<Wishes>;
  adopt?: string[];
}

/** What becomes of each site. */
export async function applied(
  central: TestCentral,
  ledger: Ledger,
  sites: TestSite[],
  { wishes = {}, adopt = [], ...options }: Applied = {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const all: Wishes = { siteId: DEFAULT_SITE_ID, ...wishes };
  const plan = planOf(
    sites.filter(({ tenant }) => options.tenant === undefined || tenant === options.tenant),
    all,
  );
  const parts = { central: client(central.fetch), ledger, plan, wishes: all, adopt: new Set(adopt) };
  for await (const outcome of apply({ ...parts, ...options })) outcomes.push(outcome);
  return outcomes;
}

/** `acme/main create`, or `acme/main E_CHECKMK_FOREIGN`. */
export function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ tenant, site, action, error }) => `${tenant}/${site} ${error?.code ?? action}`);
}

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<FarsiteError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof FarsiteError) return error;
  throw new Error(`not a FarsiteError: ${error}`);
}
