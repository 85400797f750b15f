/** A hub with web interface and two tenants, each with a real core behind a real agent, and people who may log in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "../../../hub/access/index.ts";
import { CERTIFICATE_FILE } from "../../../hub/tls/index.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { type IcingaSite, livestatusOf, makeIcingaSite, settled, startIcinga } from "../../lab/icinga.ts";
import { ask, rows } from "../../lab/livestatus.ts";
import { Visitor } from "../../lab/visitor.ts";

/** Of everybody; planted, and looked for afterwards. */
export const PASSWORD = "planted: correct horse battery";

const USERS: Record<string, { role: Role; tenants?: string }> = {
  alice: { role: "administrator" },
  oscar: { role: "operator" },
  victor: { role: "tenant-viewer", tenants: "acme" },
  tina: { role: "tenant-operator", tenants: "acme" },
};
export type UserName = "alice" | "oscar" | "victor" | "tina";

export interface Customer {
  tenant: string;
  site: string;
  path: string;
  core: IcingaSite;
  agent: TestAgent;
}

export interface Service {
  host: string;
  service: string;
}

export class WebStage {
  readonly lab = new FarsiteLab();
  hub!: TestHub;
  origin = "";
  /** PEM. */
  certificate = "";
  /** All that the hub has logged. */
  log = "";
  acme!: Customer;
  globex!: Customer;

  async start(): Promise<void> {
    const port = await freePort();
    this.origin = `https://127.0.0.1:${port}`;
    const [, ...cores] = await Promise.all([this.#startHub(port), this.#core("acme"), this.#core("globex")]);
    const [acme, globex] = await Promise.all([
      this.#customer("acme", "berlin", cores[0] as IcingaSite),
      this.#customer("globex", "vienna", cores[1] as IcingaSite),
    ]);
    this.acme = acme;
    this.globex = globex;
    // one that nobody connected yet, and one that is switched off
    await Promise.all([
      this.hub.ok("site", "add", "globex/graz"),
      this.hub.ok("site", "add", "acme/hamburg").then(() => this.hub.ok("site", "disable", "acme/hamburg")),
    ]);
    for (const { path } of [acme, globex])
      await until(
        `${path} to be online`,
        async () => (await this.hub.site(path)).livestatus.state === "online",
      );
  }

  end(): Promise<void> {
    return this.lab.end();
  }

  async #startHub(port: number): Promise<void> {
    this.hub = await this.lab.makeHub({
      web: { port, login_failures: 1000, login_failures_per_address: 100_000 },
      log: { level: "debug" },
    });
    await this.hub.start({
      onLine: (line) => {
        this.log += `${line}\n`;
      },
    });
    this.certificate = readFileSync(join(this.hub.stateDir, CERTIFICATE_FILE), "utf8");
    for (const tenant of ["acme", "globex"]) await this.hub.ok("tenant", "add", tenant);
    await Promise.all(
      Object.entries(USERS).map(async ([name, { role, tenants }]) => {
        const words = ["user", "add", name, "--role", role, ...(tenants ? ["--tenants", tenants] : [])];
        const { code, stderr } = await this.hub.call(words, { stdin: `${PASSWORD}\n` });
        if (code !== 0) throw new Error(stderr);
      }),
    );
    await until("the web interface", () =>
      new Visitor(this.origin, this.certificate).ask("/login").then(({ status }) => status === 200),
    );
  }

  async #core(name: string): Promise<IcingaSite> {
    const directory = join(this.lab.folder, name);
    const core = makeIcingaSite({ name, directory, hosts: 12, servicesPerHost: 6 });
    await startIcinga(core, { cleanup: this.lab.cleanup });
    await settled(core);
    return core;
  }

  async #customer(tenant: string, site: string, core: IcingaSite): Promise<Customer> {
    const path = `${tenant}/${site}`;
    const { token } = await this.hub.json<{ token: string }>("site", "add", path);
    const agent = this.lab.makeAgent({ services: { livestatus: `unix:${core.socket}` } });
    await agent.ok("enroll", token);
    await agent.start();
    await this.hub.reaches(path, "connected");
    return { tenant, site, path, core, agent };
  }

  /** Somebody who has logged in. */
  visitor(name: UserName): Promise<Visitor> {
    return new Visitor(this.origin, this.certificate).login(name, PASSWORD);
  }

  anonymous(): Visitor {
    return new Visitor(this.origin, this.certificate);
  }

  /** What a core says itself. */
  ofCore({ core }: Customer, query: string): Promise<unknown[][]> {
    return rows(livestatusOf(core), query);
  }

  /** A service that is well, of a host that is up; another one for each place. */
  async well(customer: Customer, place: number): Promise<Service> {
    const found = await this.ofCore(
      customer,
      "GET services\nColumns: host_name description\nFilter: state = 0\nFilter: host_state = 0\nFilter: has_been_checked = 1",
    );
    const [host, service] = found.toSorted()[place] ?? [];
    return { host: String(host), service: String(service) };
  }

  /** Has a core take the result of a check, as of a passive one: for Icinga a state like any other. */
  async result({ core }: Customer, { host, service }: Service, state: 0 | 1 | 2 | 3, output: string) {
    const now = Math.floor(Date.now() / 1_000);
    const command = `[${now}] PROCESS_SERVICE_CHECK_RESULT;${host};${service};${state};${output}`;
    await ask(livestatusOf(core), `COMMAND ${command}\n\n`, { halfClose: true });
  }
}
