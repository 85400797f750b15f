import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../../common/config/index.ts";
import { type HubConfig, hubConfig } from "../../../hub/config/index.ts";
import { loadTls } from "../../../hub/tls/index.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "farsite-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function config(listen = "", url = "wss://hub.example"): HubConfig {
  return parseConfig("hub.toml", `url = "${url}"\n[listen]\n${listen}`, hubConfig);
}

/** Two certificates with their keys, of different hubs. */
let pairs: { certificate: string; key: string }[];

beforeAll(async () => {
  const directories = ["a", "b"].map(() => mkdtempSync(join(tmpdir(), "farsite-tls-")));
  pairs = await Promise.all(
    directories.map(async (directory) => {
      const made = await loadTls(config(), directory);
      rmSync(directory, { recursive: true });
      return { certificate: made?.certificate ?? "", key: made?.key ?? "" };
    }),
  );
});

/** Loads `listen.tls = "files"` with these two files. */
async function fromFiles(certificate: string | undefined, key: string | undefined): Promise<unknown> {
  const directory = scratch();
  const [certificatePath, keyPath] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  if (certificate !== undefined) writeFileSync(certificatePath, certificate);
  if (key !== undefined) writeFileSync(keyPath, key);
  return loadTls(config(`tls = "files"\ncertificate = "${certificatePath}"\nkey = "${keyPath}"`), directory);
}

test("the first start makes a certificate for the hub's name; later ones find the same", async () => {
  const directory = scratch();
  const made = await loadTls(config(), directory);
  const certificate = new X509Certificate(made?.certificate ?? "");
  expect(certificate.subjectAltName).toBe("DNS:hub.example");
  expect(certificate.ca).toBe(false);
  expect(made?.fingerprint).toEqual(createHash("sha256").update(certificate.raw).digest());
  expect(statSync(join(directory, "tls-key.pem")).mode & 0o777).toBe(0o600);
  expect(await loadTls(config(), directory)).toEqual(made);
});

test.each([
  ["wss://192.0.2.7:8443", "IP Address:192.0.2.7"],
  ["wss://[2001:db8::7]", "IP Address:2001:DB8:0:0:0:0:0:7"],
])("a hub at %s gets a certificate for its address", async (url, name) => {
  const made = await loadTls(config("", url), scratch());
  expect(new X509Certificate(made?.certificate ?? "").subjectAltName).toBe(name);
});

test("a certificate whose key was lost is made anew, with its key", async () => {
  const directory = scratch();
  const first = await loadTls(config(), directory);
  unlinkSync(join(directory, "tls-key.pem"));
  const second = await loadTls(config(), directory);
  expect(second?.certificate).not.toBe(first?.certificate);
  expect(readFileSync(join(directory, "tls-certificate.pem"), "utf8")).toBe(second?.certificate);
});

test("plain HTTP has no certificate, and makes none", async () => {
  const directory = scratch();
  expect(await loadTls(config('tls = "off"\naddress = "127.0.0.1"'), directory)).toBeUndefined();
  expect(() => statSync(join(directory, "tls-key.pem"))).toThrow("ENOENT");
});

test("a certificate from files needs no fingerprint: an authority vouches for it", async () => {
  const [{ certificate, key }] = pairs as [{ certificate: string; key: string }];
  expect(await fromFiles(certificate, key)).toEqual({ certificate, key, fingerprint: undefined });
});

test.each([
  ["a certificate that is not there", undefined, 0, /listen\.certificate .*cert\.pem cannot be read/],
  ["a key that is not there", 0, undefined, /listen\.key .*key\.pem cannot be read/],
  ["a key of another certificate", 0, 1, /the key does not belong to the certificate/],
])("%s ends in E_CONFIG and names the file", async (_, certificate, key, message) => {
  const files = fromFiles(
    certificate === undefined ? undefined : pairs[certificate]?.certificate,
    key === undefined ? undefined : pairs[key]?.key,
  );
  await expect(files).rejects.toMatchObject({ code: "E_CONFIG", message: expect.stringMatching(message) });
});

test("files that are empty, swapped or damaged end in E_CONFIG and name the file", async () => {
  const [{ certificate, key }] = pairs as [{ certificate: string; key: string }];
  const damaged = certificate.replace(/[A-Za-z0-9]{20}/, "A".repeat(20));
  const tries = [
    ["", key],
    [certificate, ""],
    [key, certificate],
    [damaged, key],
    [certificate, key.slice(0, 60)],
  ];
  for (const [one, two] of tries) {
    await expect(fromFiles(one, two)).rejects.toMatchObject({
      code: "E_CONFIG",
      message: expect.stringMatching(/\.pem/),
    });
  }
});

test("what is wrong with a key is said without showing the key", async () => {
  const [{ certificate, key }] = pairs as [{ certificate: string; key: string }];
  const secret = key.split("\n")[1] as string;
  const said = await fromFiles(certificate, key.replace("-----END", "!!-----END")).then(String, String);
  expect(said).toContain("key.pem");
  expect(said).not.toContain(secret.slice(0, 16));
});
