/** RabbitMQ as a site's message broker: AMQP over TLS only, and only for clients with a certificate. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cleanup, scratchDirectory } from "../cleanup.ts";
import { attempt } from "../command.ts";
import { launch } from "../process.ts";
import type { MutualTls } from "./mutual-tls.ts";

/** The server, and pika, the client library that Checkmk uses. */
export const RABBITMQ_PACKAGES = ["rabbitmq-server", "python3-pika"];

export interface RabbitOptions {
  /** On 127.0.0.1. */
  port: number;
  tls: MutualTls;
  netns: string;
  cleanup: Cleanup;
}

/** Erlang takes a quarter of a minute to come up on a busy machine. */
const READY_WITHIN = 90_000;
/** Ports of Erlang's own: fixed, since every broker of the lab has a namespace to itself. */
const NAMES_PORT = 4369;
const DISTRIBUTION_PORT = 25_672;

export async function startRabbit({ port, tls, netns, cleanup }: RabbitOptions): Promise<void> {
  const folder = scratchDirectory(cleanup, "rabbitmq");
  const config = join(folder, "rabbitmq.conf");
  const plugins = join(folder, "enabled_plugins");
  writeFileSync(plugins, "[].\n");
  writeFileSync(
    config,
    `listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:${port}
ssl_options.cacertfile = ${tls.authority}
ssl_options.certfile = ${tls.server.certificate}
ssl_options.keyfile = ${tls.server.key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
`,
  );
  // the name server that Erlang would leave behind
  await launch(["epmd", "-port", String(NAMES_PORT), "-relaxed_command_check"], {
    label: "epmd",
    netns,
    cleanup,
    ready: () => attempt(["ip", "netns", "exec", netns, "epmd", "-names"]).ok,
  });
  await launch(["/usr/lib/rabbitmq/bin/rabbitmq-server"], {
    label: "rabbitmq",
    netns,
    cleanup,
    onParentDeath: "TERM",
    cwd: folder,
    env: {
      HOME: folder,
      RABBITMQ_HOME: "/usr/lib/rabbitmq",
      RABBITMQ_NODENAME: "site@localhost",
      RABBITMQ_CONFIG_FILE: config,
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_MNESIA_BASE: folder,
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_PID_FILE: join(folder, "pid"),
      RABBITMQ_DIST_PORT: String(DISTRIBUTION_PORT),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none",
    },
    readyWithinMs: READY_WITHIN,
    ready: () => {
      const listing = attempt(["ip", "netns", "exec", netns, "ss", "-Hltn", `sport = :${port}`]);
      return listing.ok && listing.stdout !== "";
    },
  });
}
