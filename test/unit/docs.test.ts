import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agentConfig } from "../../agent/config.ts";
import { parseConfig } from "../../common/config/index.ts";
import { ERROR_CODES } from "../../common/errors.ts";
import { hubConfig } from "../../hub/config/index.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCS = join(ROOT, "docs");

function page(name: string): string {
  return readFileSync(join(DOCS, name), "utf8");
}

const pages = ["", "docs/"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}${name}`),
);

/** What a heading can be linked to by, as code hosting sites make it. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

test.each(pages)("every relative link of %s leads somewhere", (path) => {
  const text = readFileSync(join(ROOT, path), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  const broken = links.filter((link) => {
    const [name = "", anchor] = link.split("#");
    const target = name === "" ? join(ROOT, path) : join(ROOT, dirname(path), name);
    return (
      !existsSync(target) || (anchor !== undefined && !anchors(readFileSync(target, "utf8")).includes(anchor))
    );
  });
  expect(broken).toEqual([]);
});

test("the README leads to every page", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const names = readdirSync(DOCS).filter((name) => /\.(md|toml)$/.test(name));
  expect(names.filter((name) => !readme.includes(`](docs/${name})`))).toEqual([]);
});

describe("errors.md", () => {
  /** Each code has a section, so that others can link to it. */
  const explained = [...page("errors.md").matchAll(/^### (E_[A-Z_]+)$/gm)].map((match) => match[1] ?? "");

  test("explains every code, once", () => {
    expect(explained.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });
});

/** Pieces of a configuration say in their first line whose they are; without it they are of the side of their page. */
const pieces = pages.flatMap((path) =>
  [...readFileSync(join(ROOT, path), "utf8").matchAll(/```toml\n(?:# (agent|hub)\.toml\n)?(.+?)```/gs)].map(
    ([, side = path === "docs/agent.md" ? "agent" : "hub", piece = ""]) => ({ path, side, piece }),
  ),
);

test("every piece of a configuration in the pages is taken by the real schema", () => {
  expect(pieces.length).toBeGreaterThan(20);
  for (const { path, side, piece } of pieces) {
    const url = /^url = /.test(piece) ? "" : 'url = "wss://hub.example.com"\n';
    if (side === "agent") parseConfig(path, piece, agentConfig);
    else parseConfig(path, `${url}${piece}`, hubConfig);
  }
});

/** Takes the `#` away from every key and table that is not needed; an explanation has a space behind it. */
function uncommented(text: string): string {
  return text.replace(/^#(?=[\w-]+ = |\[)/gm, "");
}

/** What one key of a configuration may be. */
interface Rule {
  path: string;
  minimum?: number;
  maximum?: number;
  choices?: string[];
}

interface Schema {
  properties?: Record<string, Schema>;
  /** Of an array: what each of its entries is. */
  items?: Schema;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

/** All keys of a schema, the tables' own aside. */
function rulesOf(schema: Schema, prefix = ""): Rule[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (value.properties) return rulesOf(value, `${path}.`);
    if (value.items?.properties) return rulesOf(value.items, `${path}.`);
    const { minimum, maximum, enum: choices } = value;
    return [
      {
        path,
        ...(minimum !== undefined && { minimum }),
        ...(maximum !== undefined && { maximum }),
        ...(choices && { choices }),
      },
    ];
  });
}

/** The explanation in front of every key: the comment lines since the last line that is neither. */
function explanations(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let table = "";
  let comment: string[] = [];
  for (const line of uncommented(text).split("\n")) {
    const key = /^([\w-]+) = /.exec(line)?.[1];
    if (line.startsWith("#")) comment.push(line.slice(1).trim());
    else if (key) found.set(`${table}${key}`, comment.join(" "));
    else {
      const name = /^\[{1,2}([\w.-]+)\]{1,2}$/.exec(line)?.[1];
      if (name) {
        table = `${name}.`;
        found.set(name, comment.join(" "));
      }
      comment = [];
    }
  }
  return found;
}

/** Keys that have no default; what the page shows of them is called an example there. */
const references = [
  {
    file: "hub.toml",
    schema: hubConfig,
    least: 'url = "wss://hub.example.com"',
    examples: [
      "listen.certificate",
      "listen.key",
      "central.notify",
      "central.receiver",
      "central.syslog",
      "livestatus.requests_per_second",
      "metrics.port",
      "policy.acme",
      "viewer",
      "web",
    ],
  },
  {
    file: "agent.toml",
    schema: agentConfig,
    least: "",
    examples: [
      "ca_file",
      "hub.urls",
      "carrier.max_age_seconds",
      "proxy.url",
      "proxy.user",
      "proxy.password_file",
      "services.livestatus",
      "services.http",
      "listen.notify",
      "listen.receiver",
      "listen.syslog",
      "livestatus.longest_request_mib",
      "livestatus.largest_answer_mib",
      "livestatus.requests_per_second",
      "livestatus.query_timeout_seconds",
      "notifications.spool",
      "dumps.livestatus",
      "inventory.folder",
      "inventory.archive",
      "inventory.livestatus",
      "dumps.command",
      "dumps.objects_command",
      "notifications.corrupted",
      "outbox.kib_per_second",
    ],
  },
] as const;

describe.each(references)("$file", ({ file, schema, least, examples }) => {
  const text = page(file);
  const explained = explanations(text);
  const rules = rulesOf(z.toJSONSchema<z.ZodType>(schema, { io: "input", unrepresentable: "any" }) as Schema);

  test("has every key of the schema, and every default", () => {
    const defaults = Object.keys(flat(parseConfig(file, least, schema)));
    expect(rules.length).toBeGreaterThan(5);
    expect([...explained.keys()]).toEqual(
      expect.arrayContaining([...rules.map((rule) => rule.path), ...defaults]),
    );
  });

  test("states the range and the choices of every key", () => {
    for (const { path, minimum, maximum, choices } of rules) {
      const comment = explained.get(path);
      if (minimum !== undefined)
        expect([path, comment]).toEqual([path, expect.stringContaining(`${minimum} to ${maximum}`)]);
      for (const choice of choices ?? [])
        expect([path, comment]).toEqual([path, expect.stringContaining(`"${choice}"`)]);
    }
  });

  test("is taken by the real schema as it stands", () => {
    expect(parseConfig(file, text, schema)).toEqual(parseConfig(file, least, schema));
  });

  test("shows the defaults: uncommented it says the same as the least file, examples aside", () => {
    const whole = parseConfig(file, uncommented(text), schema);
    const shown = (value: unknown) =>
      Object.entries(flat(value)).filter(([path]) => !examples.some((example) => isAt(path, example)));
    expect(Object.fromEntries(shown(whole))).toEqual(
      Object.fromEntries(shown(parseConfig(file, least, schema))),
    );
    for (const example of examples) {
      expect(explained.get(example)).toContain("example");
      expect(Object.keys(flat(whole)).some((path) => isAt(path, example))).toBe(true);
    }
  });
});

function isAt(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`);
}

/** A value's leaves by their dotted path. */
function flat(value: unknown, prefix = ""): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { [prefix.slice(0, -1)]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, inner]) => flat(inner, `${prefix}${key}.`)));
}
