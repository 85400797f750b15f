/** Scripts, styles and icons: their names with hashes, so that browsers may keep them for good. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Hono } from "hono";
import type { BuiltAsset } from "./bundle.ts";
import type { Licence } from "./licences.ts";

/** Under this path of the web interface. */
export const ASSETS_PATH = "/assets";

const TYPES: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
const YEAR = 31_536_000;

export interface Assets {
  /** Where browsers find what is called `app.css` here. Throws when there is no such thing. */
  url(source: string): string;
  /** Answers at `ASSETS_PATH`. */
  app: Hono;
  licences: readonly Licence[];
}

/** From a compiled program at once; from the sources after building them. */
export async function loadAssets(): Promise<Assets> {
  const { BUILT, LICENCES } = await import("./built.ts");
  return assetsOf(BUILT, LICENCES);
}

export function assetsOf(built: readonly BuiltAsset[], licences: readonly Licence[]): Assets {
  const urls = new Map(built.map(({ source, name }) => [source, `${ASSETS_PATH}/${name}`]));
  const answers = new Map(built.map((asset) => [asset.name, answerOf(asset)]));
  const app = new Hono();
  app.get("/:name", (context) => {
    const answer = answers.get(context.req.param("name"));
    if (!answer) return context.notFound();
    const accepted = context.req.header("accept-encoding") ?? "";
    const { encoding, bytes } =
      answer.bodies.find((body) => accepts(accepted, body.encoding)) ?? answer.plain;
    context.header("content-type", answer.type);
    context.header("cache-control", `public, max-age=${YEAR}, immutable`);
    context.header("vary", "accept-encoding");
    if (encoding !== "identity") context.header("content-encoding", encoding);
    return context.body(bytes);
  });
  return {
    app,
    licences,
    url(source) {
      const url = urls.get(source);
      if (url === undefined) throw new Error(`there is no asset ${source}`);
      return url;
    },
  };
}

interface Body {
  encoding: "zstd" | "gzip" | "identity";
  bytes: Uint8Array<ArrayBuffer>;
}

/** Packed once, as tightly as it goes. */
function answerOf({ name, text }: BuiltAsset): { type: string; bodies: Body[]; plain: Body } {
  const bytes = Buffer.from(text);
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return {
    type,
    bodies: [
      { encoding: "zstd", bytes: new Uint8Array(zstdCompressSync(bytes)) },
      { encoding: "gzip", bytes: new Uint8Array(gzipSync(bytes, { level: 9 })) },
    ],
    plain: { encoding: "identity", bytes: new Uint8Array(bytes) },
  };
}

/** Whether a browser takes an encoding. What it does not name it does not get (RFC 9110, 12.5.3). */
export function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name, ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
    return name === encoding && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
  });
}
