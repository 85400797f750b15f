/** nginx as a reverse proxy, configured as many are: it knows nothing of WebSockets. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cleanup, scratchDirectory } from "./cleanup.ts";
import { isRoot } from "./debian.ts";
import { freePort } from "./farsite.ts";
import { launch } from "./process.ts";

export const NGINX_PACKAGES = ["nginx-light"];

/** Whether nginx is there; `npm test` installs it. */
const program = Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx");
export const haveNginx = program !== null;

/**
 * Starts nginx in front of a hub on `toPort`, or whatever will listen there, and gives its port.
 * @param extra directives of the server, such as `keepalive_requests 5;`
 * @param location directives beside `proxy_pass`
 */
export async function startNginx(
  toPort: number,
  cleanup: Cleanup,
  extra = "",
  location = "",
): Promise<number> {
  const folder = scratchDirectory(cleanup, "nginx");
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(" ");
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${join(folder, "pid")}; error_log stderr;
${isRoot() ? "user root;" : ""}
events { worker_connections 256; }
http {
  access_log off; ${paths}
  server {
    listen 127.0.0.1:${port};
    ${extra}
    location / { proxy_pass http://127.0.0.1:${toPort}; ${location} }
  }
}
`,
  );
  await launch([program ?? "nginx", "-e", "stderr", "-p", folder, "-c", file], {
    label: "nginx",
    onParentDeath: "TERM",
    cleanup,
    ready: () => fetch(`http://127.0.0.1:${port}/`).then(() => true),
  });
  return port;
}
