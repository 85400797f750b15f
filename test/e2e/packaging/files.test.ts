import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PRODUCTS } from "../../../packaging/product.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { attempt, command } from "../../lab/command.ts";
import { missingPackages } from "../../lab/debian.ts";
import { ARCH, buildPackages } from "./build.ts";

const missing = missingPackages(["dpkg", "rpm", "lintian", "man-db", "systemd", "cpio"]);
if (missing.length > 0) process.stderr.write(`package files: LEFT OUT, ${missing.join(", ")} missing\n`);

/** Highest exposure that `systemd-analyze security` may find, in tenths. */
const EXPOSURE = { agent: 15, hub: 20 };

/** It takes 10 s on a machine that does nothing else. */
const LINTIAN_MS = 110_000;

const cleanup = new Cleanup();
let folder: string;
const built = (name: string, kind: "deb" | "rpm") => {
  const out = join(folder, "once");
  return join(out, readdirSync(out).find((file) => file.startsWith(name) && file.endsWith(kind)) ?? "");
};
const unpacked = (name: string, kind: "deb" | "rpm") => join(folder, `${name}.${kind}`);

describe.skipIf(missing.length > 0)("package files", () => {
  beforeAll(() => {
    folder = scratchDirectory(cleanup, "package-files");
    buildPackages(join(folder, "once"), []);
    for (const { name } of PRODUCTS) {
      command(["dpkg-deb", "-x", built(name, "deb"), unpacked(name, "deb")]);
      mkdirSync(unpacked(name, "rpm"));
      const [from, to] = [built(name, "rpm"), unpacked(name, "rpm")];
      command(["sh", "-ec", 'rpm2cpio "$0" | cpio -idm --quiet -D "$1"', from, to]);
    }
  });

  afterAll(() => cleanup.run());

  test("the same commit gives the same bytes", () => {
    buildPackages(join(folder, "twice"), ["--side", "agent"]);
    for (const file of readdirSync(join(folder, "twice"))) {
      const difference = attempt(["cmp", join(folder, "once", file), join(folder, "twice", file)]);
      expect(difference, file).toMatchObject({ ok: true });
    }
    expect(readdirSync(join(folder, "twice"))).toHaveLength(2);
  });

  describe.each(PRODUCTS)("$name", (product) => {
    const { name, side } = product;

    test("lintian has nothing against it", () => {
      // that is how tests build it, to be quicker
      const uncompressed = ["control", "data"].map((part) => `uses-no-compression-for-${part}-tarball`);
      const words = ["--allow-root", "--fail-on=error,warning", `--suppress-tags=${uncompressed.join(",")}`];
      expect(attempt(["lintian", ...words, built(name, "deb")], "", LINTIAN_MS)).toMatchObject({
        ok: true,
        stdout: "",
      });
    });

    test("its unit is correct and exposed no more than it must be", () => {
      const unit = readFileSync(join(unpacked(name, "deb"), `lib/systemd/system/${name}.service`), "utf8");
      const program = join(unpacked(name, "deb"), `usr/bin/${name}`);
      const copy = join(folder, `${name}.service`);
      // what is not installed here cannot be found
      Bun.write(copy, unit.replaceAll(`/usr/bin/${name}`, program));
      expect(attempt(["systemd-analyze", "verify", "--man=no", copy])).toEqual({
        ok: true,
        stdout: "",
        stderr: "",
      });
      const threshold = `--threshold=${EXPOSURE[side]}`;
      const { ok, stdout } = attempt(["systemd-analyze", "security", "--offline=true", threshold, copy]);
      expect(ok, stdout).toBe(true);
    });

    test("its scripts are for every POSIX shell", () => {
      const control = join(folder, `${name}.control`);
      command(["dpkg-deb", "-e", built(name, "deb"), control]);
      for (const script of ["preinst", "postinst", "prerm", "postrm"]) {
        expect(attempt(["dash", "-n", join(control, script)])).toMatchObject({ ok: true });
        expect(readFileSync(join(control, script), "utf8")).toMatch(/^#!\/bin\/sh\n# .+\nset -e\n/);
      }
    });

    test("the program runs from where it was unpacked, whatever lies in the folder it is started in", () => {
      const program = join(unpacked(name, "deb"), "usr/bin", name);
      const hostile = scratchDirectory(cleanup, "hostile");
      Bun.write(join(hostile, ".env"), "STATE_DIRECTORY=/hostile\n");
      Bun.write(join(hostile, "bunfig.toml"), 'preload = ["./hostile.ts"]\n');
      Bun.write(join(hostile, "hostile.ts"), 'console.log("hostile");\n');
      const inside = ["env", "-u", "STATE_DIRECTORY", `--chdir=${hostile}`, program];
      expect(command([...inside, "--version"])).toMatch(/^\d+\.\d+\.\d+ \([\da-f]{10}\+?\)\n$/);
      const help = command([...inside, side === "hub" ? "serve" : "run", "--help"]);
      expect(help).toContain(`(default: "/var/lib/${name}")`);
      expect(help).not.toContain("hostile");
    });

    test("its manual page is right", () => {
      const page = join(unpacked(name, "deb"), `usr/share/man/man1/${name}.1.gz`);
      const { stdout, stderr } = attempt(["man", "--warnings", "--local-file", page]);
      expect(stderr).toBe("");
      expect(stdout).toContain("Exit status: 0 done");
    });

    test("bash completes commands, options and files", () => {
      const script = join(unpacked(name, "deb"), `usr/share/bash-completion/completions/${name}`);
      const complete = (...words: string[]) =>
        command([
          "bash",
          "-ec",
          `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _${name.replace("-", "_")}; echo "\${COMPREPLY[@]}"`,
          script,
          name,
          ...words,
        ]).trim();
      expect(complete("st")).toBe("status");
      expect(complete("status", "--js")).toBe("--json");
      expect(complete("status", "--config", "/etc/host")).toContain("/etc/hosts");
      expect(complete("--json", "status", "--run")).toBe("--run-dir");
      if (side === "hub") expect(complete("site", "ad")).toBe("add");
    });

    test("both kinds of package have the same files", () => {
      const files = (kind: "deb" | "rpm") =>
        readdirSync(unpacked(name, kind), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(unpacked(name, kind).length))
          .sort();
      const inRpm = files("deb")
        .filter((path) => !path.startsWith("/usr/share/lintian/"))
        .map((path) => path.replace(/^\/lib\/systemd/, "/usr/lib/systemd"))
        .map((path) => path.replace(/^\/usr\/share\/farsite-agent\//, "/etc/farsite/"));
      expect(files("rpm")).toEqual(inRpm.sort());
      const program = `usr/bin/${name}`;
      expect(
        attempt(["cmp", ...(["deb", "rpm"] as const).map((kind) => join(unpacked(name, kind), program))]).ok,
      ).toBe(true);
      expect(statSync(join(unpacked(name, "rpm"), program)).mode & 0o7777).toBe(0o755);
    });

    test("rpm knows which files are configuration", () => {
      const configuration = command(["rpm", "-qp", "--configfiles", built(name, "rpm")]).trim();
      expect(configuration).toBe(`/etc/farsite/${side}.toml`);
      const architecture = ARCH === "amd64" ? "x86_64" : "aarch64";
      expect(command(["rpm", "-qp", "--queryformat", "%{NAME} %{ARCH}", built(name, "rpm")])).toBe(
        `${name} ${architecture}`,
      );
    });
  });
});
