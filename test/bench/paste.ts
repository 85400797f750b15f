/**
 * How long it takes from the paste to the first answer: `npx bun test/bench/paste.ts` installs what `npm run package`
 * left in dist/ in containers with a systemd of their own, with the very line that `farsite-hub site add` prints.
 */
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, scratchDirectory } from "../lab/cleanup.ts";
import { Container, noContainer } from "../lab/container.ts";
import { ensurePackages } from "../lab/debian.ts";
import { ICINGA_PACKAGES } from "../lab/icinga.ts";
import { waitFor } from "../lab/process.ts";

const DIST = join(import.meta.dirname, "../../dist");
const ROUNDS = 3;
const HUB = `dpkg --no-triggers -i /packages/farsite-hub_*.deb
echo 'url = "wss://127.0.0.1"' >> /etc/farsite/hub.toml
systemctl start farsite-hub
farsite-hub tenant add acme`;
const CORE =
  "icinga2 feature enable livestatus; systemctl start icinga2; test -S /run/icinga2/cmd/livestatus";
/** What a client at the central site gets of the core; asked until there is an answer. */
const ANSWER = `until exec 3<>/dev/tcp/127.64.0.1/6557 &&
  printf 'GET status\\nColumns: program_version\\n\\n' >&3 && timeout 5 cat <&3 | grep -q icinga2
do sleep 0.05; done 2> /dev/null`;

async function round(folder: string): Promise<string> {
  const cleanup = new Cleanup();
  try {
    const container = await Container.boot(cleanup, folder);
    await waitFor("the core", () => container.attempt(["sh", "-ec", CORE]).ok, { withinMs: 60_000 });
    // the manual pages of this whole machine would be indexed
    container.sh(`rm -f /var/lib/man-db/auto-update\n${HUB}`);
    const lines = container.sh("farsite-hub site add acme/main").split("\n");
    const paste = lines.find((line) => line.startsWith("apt install ")) ?? "";
    const timed = `cd /packages; time { ${paste} > /tmp/said; }; ${ANSWER}`;
    const began = performance.now();
    const { ok, stderr } = container.attempt(["bash", "-c", timed]);
    const seconds = (performance.now() - began) / 1000;
    if (!ok) throw new Error(`${stderr}\n${container.sh("cat /tmp/said")}`);
    const took = (what: string) => new RegExp(`^${what}\\t0m(\\S+)s$`, "m").exec(stderr)?.[1];
    return `${seconds.toFixed(1)} s to the first answer, ${took("real")} s the paste, with ${took("user")} s of processor time`;
  } finally {
    await cleanup.run();
  }
}

const missing = await ensurePackages(ICINGA_PACKAGES, { why: "a core to ask" });
const obstacle = noContainer() ?? (missing.length > 0 ? `${missing.join(", ")} missing` : undefined);
if (obstacle) throw new Error(obstacle);
const cleanup = new Cleanup();
try {
  const folder = scratchDirectory(cleanup, "paste");
  for (const name of readdirSync(DIST).filter((each) => each.endsWith(".deb"))) {
    cpSync(join(DIST, name), join(folder, name));
  }
  for (let count = 0; count < ROUNDS; count++) console.log(await round(folder));
} finally {
  await cleanup.run();
}
