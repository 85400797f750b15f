/** Apache as the web server of a Checkmk site: its paths, and scripts that answer as Checkmk's automation does. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cleanup, scratchDirectory } from "./cleanup.ts";
import { attempt } from "./command.ts";
import { isRoot } from "./debian.ts";
import { freePort } from "./farsite.ts";
import { launch } from "./process.ts";

export const APACHE_PACKAGES = ["apache2-bin", "python3"];

export interface TestApache {
  port: number;
  /** Where files are put that it gives below `/SITE/files/`. */
  files: string;
}

const MODULES = "/usr/lib/apache2/modules";

/** What each script does with a request, in Python. */
const SCRIPTS: Record<string, string> = {
  // answers by the command in the query: True to what is received, when its checksum is right
  "automation.py": `
command = query.get("command", [""])[0]
digest, size = read()
if command == "receive-config-sync":
    wanted = os.environ.get("HTTP_X_SHA256", digest)
    answer("200 OK", "True" if digest == wanted else "checksum %s of %d bytes" % (digest, size))
elif command == "get-config-sync-state":
    answer("200 OK", "({'etc/check_mk/main.mk': (33200, 4, None, '%s')}, 7)" % digest)
elif command == "activate-changes":
    answer("200 OK", "{'check_mk': []}")
else:
    answer("400 Bad Request", "Invalid command: %s." % command)
`,
  // as many bytes as asked for, with a length or in chunks
  "bytes.py": `
size = int(query["n"][0])
head = "Status: 200 OK\\r\\nContent-Type: application/octet-stream\\r\\n"
if "length" in query: head += "Content-Length: %d\\r\\n" % size
sys.stdout.write(head + "\\r\\n"); sys.stdout.flush()
block = bytes(range(251)) * 261
left = size
while left > 0:
    out.write(block[:left]); left -= len(block)
out.flush()
`,
  // what of the request arrived: fields as the script's environment, and the body
  "show.py": `
body = sys.stdin.buffer.read(int(os.environ.get("CONTENT_LENGTH") or 0)) if "CONTENT_LENGTH" in os.environ else sys.stdin.buffer.read()
shown = {name: value for name, value in os.environ.items() if name.startswith(("HTTP_", "REQUEST_", "SERVER_PROTOCOL"))}
answer("200 OK", json.dumps({"env": shown, "body": body.decode("latin-1")}))
`,
  // a redirection and a cookie as Checkmk's login gives them, or to wherever is asked
  "login.py": `
read()
sys.stdout.write("Status: 302 Found\\r\\nSet-Cookie: auth_acme=cmkadmin:1:x; HttpOnly; Path=/acme/; SameSite=Lax\\r\\nLocation: %s\\r\\nContent-Length: 0\\r\\n\\r\\n" % query.get("to", ["index.py"])[0])
`,
  // the port of the connection on which it was asked
  "peer.py": `
answer("200 OK", "port %s " % os.environ["REMOTE_PORT"])
`,
  // what Checkmk's central site asks for behind the login
  "automation_login.py": `
read()
known = "auth_acme=" in os.environ.get("HTTP_COOKIE", "") and os.environ.get("HTTP_AUTHORIZATION", "").startswith("Basic ")
answer("200 OK", repr({"version": "2.3.0p1", "edition_short": "cre", "login_secret": "x" * 32}) if known else "<html>")
`,
  "nothing.py": `
read()
sys.stdout.write("Status: 204 No Content\\r\\n\\r\\n")
`,
};

const PRELUDE = `#!/usr/bin/python3
import hashlib, json, os, sys
from urllib.parse import parse_qs
query = parse_qs(os.environ.get("QUERY_STRING", ""), keep_blank_values=True)
out = sys.stdout.buffer
def read():
    digest, size = hashlib.sha256(), 0
    while block := sys.stdin.buffer.read(65536):
        digest.update(block); size += len(block)
    return digest.hexdigest(), size
def answer(status, text):
    sys.stdout.write("Status: %s\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (status, len(text), text))
`;

/**
 * Starts the web server of a site; it ends with the cleanup.
 * @param place the port of 127.0.0.1, by default a free one, in a network namespace or this one
 */
export async function startApache(
  site: string,
  cleanup: Cleanup,
  place: { port?: number; netns?: string } = {},
): Promise<TestApache> {
  const folder = scratchDirectory(cleanup, "apache");
  const scripts = join(folder, "scripts");
  const files = join(folder, "files");
  for (const path of [scripts, files]) mkdirSync(path, { mode: 0o755 });
  for (const [name, text] of Object.entries(SCRIPTS)) {
    writeFileSync(join(scripts, name), PRELUDE + text);
    chmodSync(join(scripts, name), 0o755);
  }
  const { port = await freePort(), netns } = place;
  const modules = ["mpm_prefork", "authz_core", "cgi", "alias", "dir", "reqtimeout", "mime"];
  const config = join(folder, "apache.conf");
  writeFileSync(
    config,
    `ServerRoot ${folder}
ServerName 127.0.0.1
PidFile ${folder}/pid
Listen 127.0.0.1:${port}
ErrorLog ${folder}/error.log
${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
${isRoot() ? "User www-data\nGroup www-data" : ""}
StartServers 4
MaxRequestWorkers 64
TypesConfig /dev/null
DocumentRoot ${files}
ScriptAlias /${site}/check_mk/ ${scripts}/
Alias /${site}/files/ ${files}/
<Directory ${folder}>
  Require all granted
  Options ExecCGI
  CGIPassAuth On
</Directory>
`,
  );
  // it ends by a signal to its whole process group, which must not be that of the tests
  await launch(["setsid", Bun.which("apache2") ?? "/usr/sbin/apache2", "-f", config, "-D", "FOREGROUND"], {
    label: "apache2",
    onParentDeath: "TERM",
    cleanup,
    netns,
    ready: () =>
      netns === undefined
        ? fetch(`http://127.0.0.1:${port}/${site}/check_mk/nothing.py`).then(({ status }) => status === 204)
        : attempt(["ip", "netns", "exec", netns, "ss", "-Hltn", `sport = :${port}`]).stdout !== "",
  });
  return { port, files };
}
