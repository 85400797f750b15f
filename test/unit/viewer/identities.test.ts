import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { MemoryLog } from "../../../common/log.ts";
import type { ViewerConfig } from "../../../hub/config/index.ts";
import { Viewers } from "../../../hub/viewer/index.ts";
import { makeAuthority } from "../../e2e/certificates.ts";

const DAY = 86_400_000;

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "farsite-viewers-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The certificates of viewers, read at a hub for `host` whose state is in `stateDir`. */
async function load(
  viewers: ViewerConfig[],
  { stateDir = scratch(), host = "hub.example", clock = new FakeClock(Date.now()) } = {},
) {
  const log = new MemoryLog();
  const all = new Viewers({
    viewers,
    stateDir,
    host,
    handshakes: 1,
    handshakesPerAddress: 1,
    handshakeTimeout: 1,
    resolve: () => "nothing is asked here",
    refused: () => {},
    clock,
    log,
  });
  onTestFinished(() => all.close());
  await all.load();
  return { log, clock };
}

const self: ViewerConfig = { listen: "192.0.2.7:6560", view: "*", only_from: ["192.0.2.1"] };

test("a hub without TLS for viewers makes no authority", async () => {
  const stateDir = scratch();
  const { log } = await load([{ listen: "127.0.0.1:6560", view: "*" }], { stateDir });
  expect(log.lines).toEqual([]);
  expect(() => statSync(join(stateDir, "viewer-authority.pem"))).toThrow("ENOENT");
});

test("one with TLS makes it at the first start, says so, and keeps it; its key is a secret", async () => {
  const stateDir = scratch();
  const file = join(stateDir, "viewer-authority.pem");
  const { log } = await load([self, self], { stateDir });
  expect(log.lines).toEqual([
    {
      level: "info",
      message: expect.stringContaining("an authority for viewers was made"),
      fields: { file, host: "hub.example" },
    },
  ]);
  expect(statSync(join(stateDir, "viewer-authority-key.pem")).mode & 0o777).toBe(0o600);
  const made = readFileSync(file, "utf8");
  expect(new X509Certificate(made).subject).toBe("CN=Farsite viewers of hub.example");
  expect((await load([self], { stateDir })).log.lines).toEqual([]);
  expect(readFileSync(file, "utf8")).toBe(made);
});

test("for another host it makes another, and warns", async () => {
  const stateDir = scratch();
  await load([self], { stateDir });
  const { log } = await load([self], { stateDir, host: "new.example" });
  expect(log.lines).toEqual([
    {
      level: "warning",
      message: expect.stringContaining("viewers must trust the new one"),
      fields: expect.objectContaining({ host: "new.example" }),
    },
  ]);
});

test.each([
  ["is sound for another 15 days", { to: 15.1 }, undefined],
  ["expires in 13 days", { to: 13.1 }, { level: "warning", message: "certificate expires soon", days: 13 }],
  ["has expired", { from: -30, to: -0.1 }, { level: "error", message: "certificate has expired" }],
  ["is not valid yet", { from: 1 }, { level: "error", message: "certificate is not valid yet" }],
] as const)("a certificate that %s is complained of as it deserves", async (_, wanted, complaint) => {
  const pair = await (await makeAuthority(scratch())).issue("viewer", wanted);
  const { log } = await load([self, { ...self, tls: "files", ...pair }]);
  const [, ...lines] = log.lines;
  if (!complaint) expect(lines).toEqual([]);
  else {
    const { level, message, ...rest } = complaint;
    const fields = expect.objectContaining({ key: "viewer.1.certificate", file: pair.certificate, ...rest });
    expect(lines).toEqual([{ level, message, fields }]);
  }
});

test("all are looked at again each day, those of client authorities and the hub's own, too", async () => {
  const authority = await makeAuthority(scratch());
  const { log, clock } = await load([{ ...self, client_authorities: authority.file }]);
  const complaints = () => log.lines.filter(({ message }) => message.startsWith("certificate"));
  clock.advance(385 * DAY);
  expect(complaints()).toEqual([]);
  clock.advance(10 * DAY);
  const soon = complaints();
  expect(soon.map(({ fields }) => fields.key)).toContain("viewer.0.client_authorities");
  expect(soon.length).toBeGreaterThanOrEqual(8);
  expect(soon.length).toBeLessThanOrEqual(11);
  clock.advance(10 * DAY);
  expect(complaints().at(-1)).toMatchObject({ level: "error", message: "certificate has expired" });
  clock.advance(3_240 * DAY);
  expect(complaints().map(({ fields }) => fields.key)).toContain("the authority for viewers");
});

test("client authorities that are damaged, or none, end in E_CONFIG with key and file", async () => {
  const folder = scratch();
  const { file } = await makeAuthority(folder);
  const whole = readFileSync(file, "utf8");
  const bad = join(folder, "bad.pem");
  for (const [text, message] of [
    ["", "holds no PEM CERTIFICATE"],
    ["-----BEGIN CERTIFICATE-----\nMII", "holds no whole certificate"],
    [`${whole}\n${whole.replace(/\n\w{9}/, "\nAAAAAAAAA")}`, "certificate 2 is damaged"],
  ] as const) {
    writeFileSync(bad, text);
    const error = await load([{ ...self, client_authorities: bad }]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FarsiteError);
    expect(error).toMatchObject({
      code: "E_CONFIG",
      message: expect.stringContaining(`viewer.0.client_authorities ${bad}`),
    });
    expect((error as FarsiteError).message).toContain(message);
  }
});
