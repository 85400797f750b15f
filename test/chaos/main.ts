/** `npm run chaos`: real programs over a line that fails at random, and whether any client sees anything of it. */
import { renderError } from "../../common/errors.ts";
import { ensurePackages } from "../lab/debian.ts";
import { FarsiteLab } from "../lab/farsite.ts";
import { ICINGA_PACKAGES } from "../lab/icinga.ts";
import { chaos } from "./chaos.ts";
import { type Options, parseOptions } from "./options.ts";
import { complaints, render } from "./report.ts";

function progress(line: string): void {
  process.stderr.write(`chaos: ${line}\n`);
}

/** Says whether all was well. */
async function run(options: Options, lab: FarsiteLab): Promise<boolean> {
  const missing = await ensurePackages(ICINGA_PACKAGES, { why: "the monitoring core", progress });
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(", ")} must be installed, which only root can do; there is no run without`,
    );
  }
  progress(`mode ${options.mode}, seed ${options.seed}, ${options.seconds} s`);
  const report = await chaos(options, lab, progress);
  const wrong = complaints(report);
  for (const complaint of wrong) progress(`NOT WELL: ${complaint}`);
  process.stdout.write(`${options.json ? JSON.stringify(report) : render(report)}\n`);
  return wrong.length === 0;
}

const options = parseOptions(process.argv.slice(2));
if (typeof options === "number") process.exit(options);
const lab = new FarsiteLab();
try {
  process.exitCode = (await run(options, lab)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${renderError("chaos", error)}\n`);
  process.exitCode = 1;
} finally {
  await lab.end();
}
