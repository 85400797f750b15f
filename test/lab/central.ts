/**
 * A central Checkmk site as its REST API shows it: checks every request by the schema that Checkmk documents for
 * its release, refuses what is unknown or missing as Checkmk does, and keeps site connections.
 */
import { Hono } from "hono";
import { z } from "zod";

type Json = Record<string, unknown>;

export interface CentralSettings {
  /** Default 2.4.0p3. */
  release?: string;
  /** Default cre. */
  edition?: string;
  /** Gives ETags, and wants them back with a change. */
  etags?: boolean;
  /** Customers of the managed edition. */
  customers?: string[];
}

export const USER = "automation";
export const SECRET = "0e9a-SECRET-of-the-central-site";
/** The central site's own ID. */
export const OWN = "central";
export const API = `/${OWN}/check_mk/api/1.0`;

const siteId = z.string().regex(/^[-a-z0-9A-Z_]+$/);
const port = z.int().min(1).max(65_535);

const connection = z.discriminatedUnion("socket_type", [
  z.strictObject({
    socket_type: z.literal("tcp"),
    host: z.string().min(1),
    port,
    encrypted: z.boolean(),
    verify: z.boolean().optional(),
  }),
  z.strictObject({
    socket_type: z.literal("tcp6"),
    host: z.string().min(1),
    port,
    encrypted: z.boolean(),
    verify: z.boolean().optional(),
  }),
  z.strictObject({ socket_type: z.literal("unix"), path: z.string() }),
  z.strictObject({ socket_type: z.literal("local") }),
]);

const proxy = z.discriminatedUnion("use_livestatus_daemon", [
  z.strictObject({ use_livestatus_daemon: z.literal("direct") }),
  z.strictObject({
    use_livestatus_daemon: z.literal("with_proxy"),
    global_settings: z.boolean(),
    params: z.record(z.string(), z.unknown()).optional(),
    tcp: z
      .strictObject({ port, only_from: z.array(z.ipv4()).optional(), tls: z.boolean().optional() })
      .optional(),
  }),
]);

const userSync = z.discriminatedUnion("sync_with_ldap_connections", [
  z.strictObject({ sync_with_ldap_connections: z.enum(["all", "disabled"]) }),
  z.strictObject({ sync_with_ldap_connections: z.literal("ldap"), ldap_connections: z.array(z.string()) }),
]);

function statusConnection(central: TestCentral) {
  const disabled = z.strictObject({ status_host_set: z.literal("disabled") });
  const enabled = z.strictObject({
    status_host_set: z.literal("enabled"),
    site: siteId.refine((id) => central.sites.has(id), "Site is unknown."),
    host: z.string().refine((host) => central.hosts.has(host), "Host not found."),
  });
  return z.strictObject({
    connection,
    proxy,
    connect_timeout: z.int(),
    persistent_connection: z.boolean().optional(),
    // an empty one does not end with a slash either
    url_prefix: z.string().endsWith("/").optional(),
    status_host: z.discriminatedUnion("status_host_set", [disabled, enabled]),
    disable_in_status_gui: z.boolean().optional(),
  });
}

/** By the release: 2.4 has a message broker, 2.5 trust, and 2.3.0p26 refuses what does nothing (werk 16722). */
function configurationConnection(release: string) {
  const settings = {
    url_of_remote_site: z.url({ protocol: /^https?$/ }).endsWith("/check_mk/"),
    disable_remote_configuration: z.boolean(),
    ignore_tls_errors: z.boolean(),
    direct_login_to_web_gui_allowed: z.boolean(),
    user_sync: userSync,
    replicate_event_console: z.boolean(),
    replicate_extensions: z.boolean(),
    ...(release >= "2.4" && { message_broker_port: z.int() }),
    ...(release >= "2.5" && { is_trusted: z.boolean() }),
  };
  const patch = Number(/^2\.3\.0p(\d+)$/.exec(release)?.[1] ?? 0);
  if (release < "2.4" && patch < 26) return z.strictObject({ enable_replication: z.boolean(), ...settings });
  return z.discriminatedUnion("enable_replication", [
    z.strictObject({ enable_replication: z.literal(true), ...settings }),
    z.strictObject({ enable_replication: z.literal(false) }),
  ]);
}

/** What a request came with. */
export interface Seen {
  method: string;
  path: string;
  ifMatch: string | undefined;
  body: Json | undefined;
}

export class TestCentral {
  readonly #settings: Required<CentralSettings>;
  readonly app = new Hono();
  /** Site connections by ID, as requests had them; `secret` and the like are kept. */
  readonly sites = new Map<string, Json>();
  readonly hosts = new Set<string>();
  /** Sites to which hosts are assigned: their connections cannot be deleted. */
  readonly assigned = new Set<string>();
  readonly seen: Seen[] = [];
  /** Answers to come instead of the central's own, by method and path; used up one after another. */
  readonly instead = new Map<string, (() => Response | Promise<Response>)[]>();
  /** Called before a request is answered. */
  before: (seen: Seen) => void | Promise<void> = () => {};

  constructor(settings: CentralSettings = {}) {
    this.#settings = { release: "2.4.0p3", edition: "cre", etags: false, customers: [], ...settings };
    this.sites.set(OWN, this.#local());
    const { app } = this;
    app.use(async (context, next) => {
      const text = await context.req.text();
      const seen: Seen = {
        method: context.req.method,
        path: context.req.path.replace(API, ""),
        ifMatch: context.req.header("if-match"),
        body: text === "" ? undefined : (JSON.parse(text) as Json),
      };
      this.seen.push(seen);
      await this.before(seen);
      const other = this.instead.get(`${seen.method} ${seen.path}`)?.shift();
      if (other) return other();
      if (context.req.header("authorization") !== `Bearer ${USER} ${SECRET}`) {
        return problem(401, "Unauthorized", "Wrong credentials (Bearer header)");
      }
      if (context.req.header("accept") !== "application/json") {
        return problem(406, "Not Acceptable", "Can not send a response with the content type specified.");
      }
      if (seen.body && context.req.header("content-type") !== "application/json") {
        return problem(415, "Unsupported Media Type", "Content type not valid for this endpoint.");
      }
      return next();
    });
    app.get(`${API}/version`, (context) => {
      const { release, edition } = this.#settings;
      return context.json({
        site: OWN,
        group: "de",
        rest_api: { revision: "0" },
        versions: { apache: [2, 4, 57], checkmk: release, python: "3.12.3", mod_wsgi: [4, 9, 4] },
        edition,
        demo: false,
      });
    });
    const collection = `${API}/domain-types/site_connection/collections/all`;
    app.get(collection, (context) =>
      context.json({
        id: "site_connection",
        domainType: "site_connection",
        links: [],
        value: [...this.sites.keys()].map((id) => this.#object(id)),
        extensions: {},
      }),
    );
    app.post(collection, async (context) => {
      const id = this.#id(await context.req.json());
      if (id !== undefined && this.sites.has(id)) {
        const reason = `The site '${id}' should not exist but it does.`;
        return invalid({ basic_settings: { site_id: [reason] } });
      }
      return this.#save(await context.req.json());
    });
    const object = `${API}/objects/site_connection/:id`;
    app.get(object, (context) => {
      const id = context.req.param("id");
      if (!this.sites.has(id)) return problem(404, "Not Found", "These fields have problems: site_id");
      return context.json(this.#object(id), 200, this.#settings.etags ? { etag: this.etag(id) } : {});
    });
    app.put(object, async (context) => {
      const id = context.req.param("id");
      if (!this.sites.has(id)) return problem(404, "Not Found", "These fields have problems: site_id");
      const ifMatch = context.req.header("if-match");
      if (this.#settings.etags && ifMatch === undefined) {
        return problem(428, "Precondition required", "If-Match header required for this operation.");
      }
      if (this.#settings.etags && ifMatch !== this.etag(id)) {
        return problem(
          412,
          "Precondition failed",
          "ETag didn't match. Probable cause: Object changed by another user.",
        );
      }
      return this.#save(await context.req.json(), id);
    });
    app.post(`${object}/actions/delete/invoke`, (context) => {
      const id = context.req.param("id");
      if (this.assigned.has(id)) {
        return problem(
          400,
          "User Error",
          "You cannot delete this connection. It has folders/hosts assigned to it.",
        );
      }
      this.sites.delete(id);
      return new Response(null, { status: 204 });
    });
    app.notFound(() => problem(404, "Not Found", "The requested URL was not found on the server."));
  }

  etag(id: string): string {
    return `"${Bun.hash(JSON.stringify(this.sites.get(id))).toString(16)}"`;
  }

  /** Bun's fetch as far as the client uses it, without a socket. */
  readonly fetch = async (url: string, init: BunFetchRequestInit): Promise<Response> =>
    this.app.fetch(new Request(url, init as RequestInit));

  /** The next answers to a request, in place of the central's own. */
  answer(request: string, ...answers: (() => Response | Promise<Response>)[]): void {
    this.instead.set(request, answers);
  }

  /** What the connection `id` connects to, as text. */
  socket(id: string): string {
    const { status_connection: status } = this.sites.get(id) as { status_connection: { connection: Json } };
    return Object.values(status.connection).join(" ");
  }

  #id(body: unknown): string | undefined {
    return z
      .object({ site_config: z.object({ basic_settings: z.object({ site_id: z.string() }) }) })
      .safeParse(body).data?.site_config.basic_settings.site_id;
  }

  #save(body: unknown, path?: string): Response {
    const { release, edition, customers } = this.#settings;
    const managed = edition === "cme";
    const customer = z.string().refine((id) => customers.includes(id), "Customer not found.");
    const request = z.strictObject({
      site_config: z.strictObject({
        basic_settings: z.strictObject({
          site_id: siteId,
          alias: z.string().min(1),
          ...(managed && { customer }),
        }),
        status_connection: statusConnection(this),
        configuration_connection: configurationConnection(release),
        secret: z.string().optional(),
      }),
    });
    const checked = request.safeParse(body);
    if (!checked.success) return invalid(fieldsOf(checked.error).site_config ?? {});
    const { site_config: config } = checked.data;
    const id = path ?? config.basic_settings.site_id;
    const before = this.sites.get(id);
    this.sites.set(id, { ...(before?.secret !== undefined && { secret: before.secret }), ...config });
    return Response.json(this.#object(id));
  }

  /** As Checkmk answers: with what it fills in itself, and without what is of no use. */
  #object(id: string): Json {
    const { configuration_connection: configuration, secret, ...config } = this.sites.get(id) ?? {};
    const status = config.status_connection as Json;
    const { release } = this.#settings;
    return {
      links: [],
      domainType: "site_connection",
      id,
      title: (config.basic_settings as Json).alias,
      members: {},
      extensions: {
        ...config,
        status_connection: {
          url_prefix: "",
          persistent_connection: false,
          disable_in_status_gui: false,
          ...status,
        },
        configuration_connection: (configuration as Json).enable_replication
          ? configuration
          : { enable_replication: false },
        // releases before 2.4 said it, those after say whether there is one
        ...(release < "2.4"
          ? secret !== undefined && { secret }
          : id !== OWN && { logged_in: secret !== undefined }),
      },
    };
  }

  #local(): Json {
    return {
      basic_settings: { site_id: OWN, alias: "Local site central" },
      status_connection: {
        connection: { socket_type: "local" },
        proxy: { use_livestatus_daemon: "direct" },
        connect_timeout: 5,
        status_host: { status_host_set: "disabled" },
      },
      configuration_connection: { enable_replication: false },
    };
  }
}

export function problem(status: number, title: string, detail: string, fields?: unknown): Response {
  return Response.json(
    { title, status, detail, ...(fields !== undefined && { fields }) },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}

function invalid(fields: unknown): Response {
  return problem(400, "Bad Request", "These fields have problems: site_config", { site_config: fields });
}

/** In Checkmk's words, as a tree. */
function fieldsOf(error: z.ZodError): Record<string, Json> {
  const tree: Record<string, Json> = {};
  for (const issue of error.issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
    for (const key of keys) {
      const path = [...issue.path.map(String), ...(key === undefined ? [] : [key])];
      const missing = issue.code === "invalid_type" && issue.message.includes("received undefined");
      const words =
        key !== undefined ? "Unknown field." : missing ? "Missing data for required field." : issue.message;
      let place: Json = tree;
      for (const step of path.slice(0, -1)) {
        place[step] ??= {};
        place = place[step] as Json;
      }
      place[path.at(-1) ?? ""] = [words];
    }
  }
  return tree;
}
