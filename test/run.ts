/**
 * The whole test run (`npm test`): lint, types, then every suite against real counterparts. Installs what
 * those need from Debian's packages when it is root; says loudly what had to be left out.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { z } from "zod";
import { APACHE_PACKAGES } from "./lab/apache.ts";
import { BROWSER_PACKAGES } from "./lab/browser.ts";
import { CONTAINER_PACKAGES } from "./lab/container.ts";
import { ensurePackages } from "./lab/debian.ts";
import { ICINGA_PACKAGES } from "./lab/icinga.ts";
import { LINE_PACKAGES } from "./lab/line/line.ts";
import { DATAGRAM_PACKAGES } from "./lab/lines/datagrams.ts";
import { RABBITMQ_PACKAGES } from "./lab/lines/rabbitmq.ts";
import { NAGIOS_PACKAGES } from "./lab/nagios.ts";
import { NETWORK_PACKAGES } from "./lab/network.ts";
import { NGINX_PACKAGES } from "./lab/nginx.ts";
import { PROXY_PACKAGES } from "./lab/proxies.ts";

const PACKAGES = [
  ...ICINGA_PACKAGES,
  ...NETWORK_PACKAGES,
  ...LINE_PACKAGES,
  ...PROXY_PACKAGES,
  ...DATAGRAM_PACKAGES,
  ...RABBITMQ_PACKAGES,
  "libmonitoring-livestatus-perl",
  "libio-socket-ssl-perl",
  "faketime",
  "netcat-openbsd",
  "php-cli",
  "python3-pynag",
  "python3",
  ...NGINX_PACKAGES,
  ...APACHE_PACKAGES,
  "curl",
  "python3-requests",
  "nagios4-core",
  "socat",
  "rsyslog",
  "snmp",
  "snmptrapd",
  ...BROWSER_PACKAGES,
  ...CONTAINER_PACKAGES,
  "lintian",
  "rpm",
  "cpio",
  "man-db",
  // readers of what is printed for Checkmk, NagVis and Thruk
  "python3-minimal",
  "php-cli",
  "libconfig-general-perl",
  ...NAGIOS_PACKAGES,
  // promtool
  "prometheus",
];

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** Runs a program of node_modules/.bin and says whether it succeeded. */
function run(title: string, program: string, args: readonly string[]): boolean {
  process.stdout.write(`\n== ${title}\n`);
  const bin = join(import.meta.dirname, "..", "node_modules", ".bin", program);
  const runtime = program === "vitest" ? [process.execPath, "--bun", bin] : [bin];
  const [command = bin, ...rest] = [...runtime, ...args];
  return spawnSync(command, rest, { stdio: "inherit" }).status === 0;
}

/** The test files that were left out, whole or in part, with how many tests each. */
function leftOut(results: z.infer<typeof report>["testResults"]): string[] {
  return results.flatMap((file) => {
    const skipped = file.assertionResults.filter(
      (test) => test.status !== "passed" && test.status !== "failed",
    );
    const name = relative(join(import.meta.dirname, ".."), file.name);
    return skipped.length === 0
      ? []
      : [`  ${name}: ${skipped.length} of ${file.assertionResults.length} tests`];
  });
}

const missing = await ensurePackages(PACKAGES, {
  why: "testing against real monitoring cores, clients, proxies and firewalls",
});

const sound = [
  run("lint and format", "biome", ["check", "--error-on-warnings", "."]),
  run("types", "tsc", ["--noEmit"]),
  run("types of what browsers run", "tsc", ["--noEmit", "-p", "hub/web/client"]),
].every(Boolean);

const folder = mkdtempSync(join(tmpdir(), "farsite-test-"));
const file = join(folder, "report.json");
const green = run("tests", "vitest", [
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile=${file}`,
]);
const { numPassedTests, numFailedTests, numPendingTests, testResults } = report.parse(
  JSON.parse(readFileSync(file, "utf8")),
);
rmSync(folder, { recursive: true });

const out = leftOut(testResults);
if (out.length > 0) {
  process.stdout.write(
    `\n!! LEFT OUT${missing.length > 0 ? ` (missing: ${missing.join(", ")})` : ""}:\n${out.join("\n")}\n`,
  );
}
if (!sound) process.stdout.write("\n!! lint, format or types failed; see above\n");
process.stdout.write(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`);
process.exitCode = sound && green && numFailedTests === 0 ? 0 : 1;
