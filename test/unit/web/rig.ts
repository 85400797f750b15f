/** A hub's web interface without a socket: real registry, real handlers, a clock that the test moves. */

import { onTestFinished } from "vitest";
import { parseConfig } from "../../../common/config/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { type Access, derived, Passwords, type ReachParts, type Role } from "../../../hub/access/index.ts";
import { hubConfig, type WebConfig } from "../../../hub/config/index.ts";
import { Endpoints } from "../../../hub/endpoint/index.ts";
import { Hub } from "../../../hub/hub.ts";
import { SiteStates } from "../../../hub/livestatus/index.ts";
import { Users } from "../../../hub/registry/index.ts";
import { openAccess } from "../../../hub/serve/access.ts";
import { SiteChanges } from "../../../hub/site-changes.ts";
import { webApp } from "../../../hub/web/index.ts";
import { type Mounts, siteApp, type WebApp } from "../../../hub/web/site/index.ts";
import { HOLD, MINUTE, World } from "../handshake/rig.ts";
import { keyParts } from "../keys/rig.ts";
import { scratch } from "../registry/rig.ts";

export const ORIGIN = "https://hub.example";
export const PASSWORD = "correct horse battery";

/** What a hash costs is not what these tests are about. */
const passwords = new Passwords({ memory: 8, passes: 1 });
const HASH = await passwords.hash(PASSWORD);

export interface WebRig {
  world: World;
  hub: Hub;
  changes: SiteChanges;
  users: Users;
  access: Access;
  app: WebApp;
  web: WebConfig;
  /** A request as a browser sends it from a page of the hub. */
  ask(path: string, init?: RequestInit & { from?: string }): Promise<Response>;
  addUser(name: string, role: Role, tenants?: string[]): Promise<void>;
  /** The cookie of a new session. */
  login(name: string): Promise<string>;
  /** What a page of that session has to send with what changes something. */
  csrf(cookie: string): Promise<string>;
}

/** Tenants `acme` and `globex`, each with the site `main`. */
export async function webRig(
  options: { web?: string; mounts?: Mounts; parts?: Partial<ReachParts> } = {},
): Promise<WebRig> {
  const world = await World.open();
  const { clock, log, registry, enrolment, sites, store } = world;
  const text = `url = "wss://hub.example"\n[web]\nurl = "${ORIGIN}"\n${options.web ?? ""}`;
  const config = parseConfig("hub.toml", text, hubConfig);
  const web = config.web as WebConfig;
  const wall = () => clock.wall();
  const changes = new SiteChanges();
  const endpoints = new Endpoints({
    ports: {},
    runDir: scratch(),
    clock,
    log,
    packed: () => false,
    open: () => undefined,
  });
  onTestFinished(() => endpoints.close());
  const states = new SiteStates({ clock, log, tunnel: (id) => sites.state(id), hold: HOLD, grace: MINUTE });
  world.changed = (id) => {
    states.update(id);
    changes.changed(id);
  };
  world.keyed = (site) => states.know(site);
  const observers = [changes];
  const tls = undefined;
  const hub = new Hub({
    config,
    registry,
    enrolment,
    sites,
    states,
    endpoints,
    observers,
    ...keyParts(world, scratch()),
    tls,
    log,
    wall,
  });
  await hub.openEndpoints();
  const users = new Users(store, wall);
  const access = openAccess({
    web,
    hub,
    changes,
    queries: () => {
      throw new Error("nothing is asked of cores here");
    },
    ...options.parts,
    store,
    passwords,
    record: (actor, action, target, detail) =>
      void registry.record(actor, action, target, detail).catch(() => {}),
    clock,
    random: systemRandom,
    log,
  });
  onTestFinished(() => access.close());
  const parts = { web, access, random: systemRandom, log };
  const app = options.mounts
    ? siteApp({ ...parts, mounts: options.mounts })
    : await webApp({ ...parts, clock, services: ["livestatus", "http", "notify"] });
  const ask: WebRig["ask"] = async (path, { from = "192.0.2.1", ...init } = {}) => {
    const headers = new Headers({ "sec-fetch-site": "same-origin" });
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    return app.request(`${ORIGIN}${path}`, { ...init, headers }, { peer: from, patience: () => {} });
  };
  return {
    world,
    hub,
    changes,
    users,
    access,
    app,
    web,
    ask,
    async addUser(name, role, tenants = []) {
      await users.add("test", { name, role, tenants, passwordHash: HASH });
    },
    async login(name) {
      const body = new URLSearchParams({ name, password: PASSWORD });
      const answer = await ask("/login", { method: "POST", body });
      if (answer.status !== 303) throw new Error(`login answered ${answer.status}`);
      return (answer.headers.get("set-cookie") ?? "").split(";")[0] as string;
    },
    async csrf(cookie) {
      return derived(cookie.split("=")[1] ?? "", "csrf");
    },
  };
}
