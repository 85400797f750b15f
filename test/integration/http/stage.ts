/** One Apache as a site's web server, one hub, one agent. */

import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe } from "vitest";
import { APACHE_PACKAGES, startApache, type TestApache } from "../../lab/apache.ts";
import { FarsiteLab, PATIENCE, type TestAgent, type TestHub } from "../../lab/farsite.ts";
import { obstacleTo } from "../../lab/obstacle.ts";

export const SITE = "acme/main";

export interface Stage {
  lab: FarsiteLab;
  hub: TestHub;
  agent: TestAgent;
  apache: TestApache;
  /** `ADDRESS:PORT` of the endpoint, and its Unix socket. */
  host: string;
  socket: string;
  /** The site's URL by the endpoint, and as the agent reaches it. */
  url: string;
  direct: string;
}

/** How a program ended, and what it printed, as Latin-1. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a client to its end. */
export function run(argv: readonly string[], input: string | Buffer = ""): Promise<Ran> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { timeout: PATIENCE * 2, killSignal: "SIGKILL" });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("latin1").on("data", (text: string) => {
      printed[name] += text;
    });
  }
  child.stdin.on("error", () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...printed }));
  });
}

/** What curl prints; throws when it fails. */
export async function curl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["curl", "-sS", ...args]);
  if (code !== 0) throw new Error(`curl ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A suite on a stage of its own; left out, loudly, where what it needs cannot be installed. */
export async function suite(
  name: string,
  packages: readonly string[],
  body: (stage: () => Stage) => void,
): Promise<void> {
  const obstacle = await obstacleTo(name, [...APACHE_PACKAGES, "curl", ...packages]);
  describe.skipIf(obstacle !== undefined)(name, () => {
    let lab: FarsiteLab;
    let stage: Stage | undefined;
    beforeAll(async () => {
      lab = new FarsiteLab();
      const apache = await startApache("acme", lab.cleanup);
      const hub = await lab.startHub();
      const agent = await lab.connect(hub, SITE, { services: { http: `tcp:127.0.0.1:${apache.port}` } });
      const { address, port, socket } = await hub.endpoint(SITE, "http");
      const host = `${address}:${port}`;
      const url = `http://${host}/acme/check_mk`;
      stage = {
        lab,
        hub,
        agent,
        apache,
        host,
        socket,
        url,
        direct: `http://127.0.0.1:${apache.port}/acme/check_mk`,
      };
    });
    afterAll(() => lab.end());
    body(() => {
      if (!stage) throw new Error("the stage is not set up yet");
      return stage;
    });
  });
}
