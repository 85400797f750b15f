/** Icinga 2 as distributions install it. */
import { type Found, livestatusTarget } from "./found.ts";
import type { Host } from "./host.ts";
import { rightsTo } from "./rights.ts";

const CONFIGURATION = "/etc/icinga2";
const FEATURE = `${CONFIGURATION}/features-enabled/livestatus.conf`;
/** Where its Livestatus listens unless the feature's file says otherwise. */
const USUAL_SOCKET = "/run/icinga2/cmd/livestatus";
const USUAL_PORT = 6558;

export function findIcinga(host: Host): Found[] {
  const problems: string[] = [];
  const { tree, listeners, account } = host;
  const installed = tree.text(`${CONFIGURATION}/icinga2.conf`, CONFIGURATION, problems) !== undefined;
  if (!installed && problems.length === 0) return [];
  const feature = tree.text(FEATURE, CONFIGURATION, problems);
  const settings = feature === undefined ? undefined : parseFeature(feature);
  const socket = settings?.socket ?? USUAL_SOCKET;
  const listening = listeners.socket(tree.at(socket));
  const found: Found = {
    kind: "icinga2",
    name: "icinga2",
    version: undefined,
    edition: undefined,
    core: "icinga2",
    state: listening ? "running" : "stopped",
    livestatus: undefined,
    ports: {},
    services: {},
    rights: undefined,
    notes: [],
    problems,
  };
  // one that listens says more than a file that cannot be read
  if (settings || listening) {
    const tcp =
      settings?.port === undefined ? undefined : { port: settings.port, tls: false, admitsLoopback: true };
    found.livestatus = { socket, tcp };
    if (tcp) found.ports.livestatus = tcp.port;
    if (settings?.tcpOnly) {
      found.services.livestatus = `tcp:127.0.0.1:${settings.port}`;
      found.state = listeners.addresses(settings.port ?? 0).length > 0 ? "running" : "stopped";
    } else {
      found.rights = rightsTo(tree.at(socket), account);
      found.services.livestatus = livestatusTarget(found.livestatus, found.rights);
    }
    if (found.state === "stopped") found.notes.push("nobody listens there: systemctl status icinga2");
  } else if (problems.length === 0) {
    found.notes.push("Livestatus is off: icinga2 feature enable livestatus && systemctl restart icinga2");
  }
  return [found];
}

interface Feature {
  socket: string;
  port: number | undefined;
  tcpOnly: boolean;
}

/** What the feature's file says; only plain values count, not expressions. */
export function parseFeature(text: string): Feature {
  const code = withoutComments(text).replace(/^\s*(?:\/\/|#).*$/gm, "");
  const objects = code.split(/\bobject\s+LivestatusListener\b/).slice(1);
  const tcp = objects.find((object) => /\bsocket_type\s*=\s*"tcp"/.test(object));
  const unix = objects.find((object) => object !== tcp);
  const path = /\bsocket_path\s*=\s*"(\/[^"]{1,106})"/.exec(unix ?? "")?.[1];
  const port = Number(/\bbind_port\s*=\s*"?(\d{1,5})"?/.exec(tcp ?? "")?.[1] ?? USUAL_PORT);
  return {
    socket: path ?? USUAL_SOCKET,
    port: tcp !== undefined && port >= 1 && port <= 65_535 ? port : undefined,
    tcpOnly: tcp !== undefined && unix === undefined,
  };
}

/** Without what stands between slash-star and star-slash; one pass, since a file may hold nothing but openings. */
function withoutComments(text: string): string {
  let code = "";
  for (let at = 0; ; ) {
    const open = text.indexOf("/*", at);
    if (open === -1) return code + text.slice(at);
    code += text.slice(at, open);
    const close = text.indexOf("*/", open + 2);
    if (close === -1) return code;
    at = close + 2;
  }
}
