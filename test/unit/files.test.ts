import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ensureDirectory, readSecretFile, writeFileAtomic, writeSecretFile } from "../../common/files.ts";
import { loadOrMakeIdentity, readIdentity, writeIdentity } from "../../common/identity.ts";
import { KeyPair } from "../../common/noise/index.ts";
import { systemRandom } from "../../common/random.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "farsite-files-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

test.each([0o600, 0o644, 0o640])(
  "a file is written with mode %o, whatever the umask, and nothing beside it",
  (mode) => {
    const directory = scratch();
    const path = join(directory, "file");
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    writeFileAtomic(path, "contents", mode);
    expect([readFileSync(path, "utf8"), modeOf(path), readdirSync(directory)]).toEqual([
      "contents",
      mode,
      ["file"],
    ]);
  },
);

test("a file is replaced whole, and gets the new mode", () => {
  const directory = scratch();
  const path = join(directory, "file");
  writeFileSync(path, "old and longer", { mode: 0o644 });
  writeFileAtomic(path, "new", 0o600);
  expect([readFileSync(path, "utf8"), modeOf(path), readdirSync(directory)]).toEqual([
    "new",
    0o600,
    ["file"],
  ]);
});

test("what another process left half written is no obstacle, and its mode is not taken over", () => {
  const directory = scratch();
  const path = join(directory, "file");
  writeFileSync(`${path}.${process.pid}.new`, "half", { mode: 0o666 });
  writeSecretFile(path, "whole");
  expect([readFileSync(path, "utf8"), modeOf(path), readdirSync(directory)]).toEqual([
    "whole",
    0o600,
    ["file"],
  ]);
});

test("what is written beside a file first is never written into a link that is there", () => {
  const directory = scratch();
  const [path, elsewhere] = [join(directory, "file"), join(directory, "elsewhere")];
  writeFileSync(elsewhere, "untouched");
  symlinkSync(elsewhere, `${path}.${process.pid}.new`);
  writeSecretFile(path, "secret");
  expect([readFileSync(elsewhere, "utf8"), readFileSync(path, "utf8")]).toEqual(["untouched", "secret"]);
});

test.runIf(process.getuid?.() === 0)(
  "what root makes in somebody's directory is theirs; a file that is no secret stays root's",
  () => {
    const nobody = { uid: 65_534, gid: 65_534 };
    const directory = scratch();
    chownSync(directory, nobody.uid, nobody.gid);
    ensureDirectory(join(directory, "sites", "main"), 0o700);
    writeSecretFile(join(directory, "sites", "main", "key"), "s3cret");
    writeFileAtomic(join(directory, "other"), "x", 0o644);
    for (const path of ["sites", "sites/main", "sites/main/key"]) {
      expect(statSync(join(directory, path)), path).toMatchObject(nobody);
    }
    expect(statSync(join(directory, "other")).uid).toBe(0);
  },
);

test("a link is replaced by the file, not followed", () => {
  const directory = scratch();
  const [path, elsewhere] = [join(directory, "file"), join(directory, "elsewhere")];
  writeFileSync(elsewhere, "untouched");
  symlinkSync(elsewhere, path);
  writeSecretFile(path, "secret");
  expect([readFileSync(elsewhere, "utf8"), readFileSync(path, "utf8")]).toEqual(["untouched", "secret"]);
});

test("a file that cannot be put in place leaves the old one and nothing beside it", () => {
  const directory = scratch();
  const path = join(directory, "taken");
  mkdirSync(join(path, "full"), { recursive: true });
  expect(() => writeFileAtomic(path, "x", 0o600)).toThrow(
    expect.objectContaining({ code: "E_STATE", message: expect.stringContaining(path) }),
  );
  expect([readdirSync(directory), readdirSync(path)]).toEqual([["taken"], ["full"]]);
});

test("a file in a directory that is not there ends in E_STATE", () => {
  expect(() => writeFileAtomic(join(scratch(), "no", "file"), "x", 0o600)).toThrow(
    expect.objectContaining({ code: "E_STATE" }),
  );
});

test("a secret is read back; where there is none, that is no error", () => {
  const path = join(scratch(), "secret");
  expect(readSecretFile(path)).toBeUndefined();
  writeSecretFile(path, "s3cret");
  expect(readSecretFile(path)).toBe("s3cret");
});

test.each([0o640, 0o604, 0o660, 0o666, 0o610, 0o601])(
  "a secret of mode %o is refused, with the command that mends it",
  (mode) => {
    const path = join(scratch(), "secret");
    writeSecretFile(path, "s3cret");
    chmodSync(path, mode);
    expect(() => readSecretFile(path)).toThrow(
      expect.objectContaining({ code: "E_KEY_FILE", hint: `chmod 600 ${path}` }),
    );
  },
);

test.each([0o600, 0o400, 0o700])("a secret of mode %o is read", (mode) => {
  const path = join(scratch(), "secret");
  writeSecretFile(path, "s3cret");
  chmodSync(path, mode);
  expect(readSecretFile(path)).toBe("s3cret");
});

test("a directory where a secret should be ends in E_KEY_FILE", () => {
  expect(() => readSecretFile(scratch())).toThrow(expect.objectContaining({ code: "E_KEY_FILE" }));
});

test("a directory is made with its parents and its mode; one that is there is left as it is", () => {
  const path = join(scratch(), "a", "b");
  ensureDirectory(path, 0o700);
  expect(modeOf(path)).toBe(0o700);
  writeFileSync(join(path, "kept"), "");
  ensureDirectory(path, 0o755);
  expect([modeOf(path), readdirSync(path)]).toEqual([0o700, ["kept"]]);
});

test("a file where a directory should be ends in E_STATE and names it", () => {
  const path = join(scratch(), "file");
  writeFileSync(path, "");
  for (const wanted of [path, join(path, "below")]) {
    expect(() => ensureDirectory(wanted, 0o700)).toThrow(
      expect.objectContaining({ code: "E_STATE", message: expect.stringContaining(wanted) }),
    );
  }
});

test("a key is made once, kept readable by its owner alone, and the same ever after", () => {
  const path = join(scratch(), "hub.key");
  const made = loadOrMakeIdentity(path, systemRandom);
  expect(modeOf(path)).toBe(0o600);
  expect(loadOrMakeIdentity(path, systemRandom).exportSecret()).toEqual(made.exportSecret());
  expect(readIdentity(path)?.publicKey.bytes).toEqual(made.publicKey.bytes);
});

test("where there is no key file there is no key", () => {
  expect(readIdentity(join(scratch(), "none"))).toBeUndefined();
});

test.each([
  ["nothing", ""],
  ["text", "this is not a key"],
  ["31 bytes", Buffer.alloc(31).toString("base64")],
  ["33 bytes", Buffer.alloc(33).toString("base64")],
  ["a key without its padding", Buffer.alloc(32, 1).toString("base64").slice(0, -1)],
  ["a key in base64url", Buffer.alloc(32, 255).toString("base64url")],
  ["two keys", `${Buffer.alloc(32, 1).toString("base64")}\n${Buffer.alloc(32, 2).toString("base64")}\n`],
  ["a key with a character too many", `A${Buffer.alloc(32, 1).toString("base64")}`],
  ["NULs", "\0".repeat(44)],
])("a key file that holds %s is refused and not replaced", (_, text) => {
  const path = join(scratch(), "hub.key");
  writeSecretFile(path, text);
  for (const read of [() => readIdentity(path), () => loadOrMakeIdentity(path, systemRandom)]) {
    expect(read).toThrow(
      expect.objectContaining({ code: "E_KEY_FILE", message: `the key file ${path} does not hold a key` }),
    );
  }
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("a key file that others may read is refused", () => {
  const path = join(scratch(), "hub.key");
  writeIdentity(path, KeyPair.identity(systemRandom));
  chmodSync(path, 0o644);
  expect(() => readIdentity(path)).toThrow(expect.objectContaining({ code: "E_KEY_FILE" }));
});

test("a key that was edited by hand with a line end more is read", () => {
  const path = join(scratch(), "hub.key");
  const made = KeyPair.identity(systemRandom);
  writeSecretFile(path, `\n${made.exportSecret().toString("base64")}\r\n\n`);
  expect(readIdentity(path)?.publicKey.bytes).toEqual(made.publicKey.bytes);
});
