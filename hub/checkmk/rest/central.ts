/** A central site through its REST API, as releases since Checkmk 2.2 have it. */

import { z } from "zod";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import { parseJson } from "../../../common/json.ts";
import { printable } from "../../../common/text.ts";
import { NEWEST } from "../index.ts";
import { type Answer, failureOf } from "./problem.ts";
import { type SiteConfig, siteConfig } from "./site-config.ts";

export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface CentralOptions {
  /** Of the REST API, without a slash at the end: see `centralUrl`. */
  url: string;
  user: string;
  secret: string;
  /** PEM of the authorities that are trusted, instead of the system's. */
  ca?: string | undefined;
  /** ms from a request to the end of its answer. */
  timeout: number;
  fetch: Fetch;
}

export interface CentralVersion {
  /** Such as `2.3.0p26`. */
  checkmk: string;
  /** Its sites belong to customers. */
  managed: boolean;
}

export interface Tagged {
  config: SiteConfig;
  /** For `update`, where the release has one. */
  etag: string | undefined;
}

/** Bytes of one answer: thousands of site connections; Checkmk has about 2 KB for each. */
export const LARGEST_ANSWER = 32 << 20;

const COLLECTION = "/domain-types/site_connection/collections/all";
/** As releases before and since 2.5 call it. */
const MANAGED = /^(?:cme|managed|ultimatemt)$/;
/** Bun's names for what is wrong with a certificate. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|HOSTNAME_MISMATCH|ALTNAME/i;

const version = z.object({ versions: z.object({ checkmk: z.string() }), edition: z.string().optional() });
const object = z.object({ id: z.string(), extensions: siteConfig });
/** The rest of a connection that is not understood must not hide the others. */
const collection = z.object({ value: z.array(z.object({ id: z.string(), extensions: z.unknown() })) });

export class Central {
  readonly #options: CentralOptions;

  constructor(options: CentralOptions) {
    this.#options = options;
  }

  async version(): Promise<CentralVersion> {
    const { body } = await this.#ask("GET", "/version", "its release");
    const { versions, edition = "" } = this.#read(version, body);
    return { checkmk: versions.checkmk || NEWEST, managed: MANAGED.test(edition) };
  }

  /** All site connections by their IDs; undefined stands for one that is not like those of the REST API's schema. */
  async connections(): Promise<Map<string, SiteConfig | undefined>> {
    const { body } = await this.#ask("GET", COLLECTION, "site connections");
    const { value } = this.#read(collection, body);
    return new Map(value.map(({ id, extensions }) => [id, siteConfig.safeParse(extensions).data]));
  }

  async connection(id: string): Promise<Tagged> {
    const { body, etag } = await this.#ask("GET", pathOf(id), nameOf(id));
    return { config: this.#read(object, body).extensions, etag };
  }

  async create(config: SiteConfig): Promise<void> {
    const what = nameOf(config.basic_settings.site_id);
    await this.#ask("POST", COLLECTION, what, { site_config: config });
  }

  async update(id: string, config: SiteConfig, etag: string | undefined): Promise<void> {
    await this.#ask("PUT", pathOf(id), nameOf(id), { site_config: config }, etag);
  }

  async remove(id: string): Promise<void> {
    await this.#ask("POST", `${pathOf(id)}/actions/delete/invoke`, nameOf(id));
  }

  async #ask(
    method: string,
    path: string,
    what: string,
    body?: unknown,
    etag?: string,
  ): Promise<{ body: unknown; etag: string | undefined }> {
    const response = await this.#fetch(method, path, body, etag);
    const answer: Answer = {
      status: response.status,
      location: response.headers.get("location"),
      type: response.headers.get("content-type") ?? "",
      text: await this.#text(response),
    };
    if (!response.ok) throw failureOf(answer, what, (text) => this.#hide(text));
    const found = response.headers.get("etag") ?? undefined;
    return { body: response.status === 204 ? undefined : this.#json(answer), etag: found };
  }

  async #fetch(method: string, path: string, body: unknown, etag: string | undefined): Promise<Response> {
    const { url, user, secret, ca, timeout, fetch } = this.#options;
    try {
      return await fetch(`${url}${path}`, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${user} ${secret}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(etag !== undefined && { "if-match": etag }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // a request on a connection that was just closed would be sent again, and found to be done already
        keepalive: false,
        // what it leads to must not be told the secret
        redirect: "manual",
        signal: AbortSignal.timeout(timeout),
        ...(ca !== undefined && { tls: { ca } }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #text(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of response.body ?? []) {
        length += chunk.length;
        if (length > LARGEST_ANSWER) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (length <= LARGEST_ANSWER) return Buffer.concat(chunks).toString();
    throw new FarsiteError(
      "E_CHECKMK_ANSWER",
      `an answer of the central site is longer than ${LARGEST_ANSWER >> 20} MiB`,
    );
  }

  #json({ text, type }: Answer): unknown {
    const value = parseJson(text);
    if (value !== undefined) return value;
    throw new FarsiteError(
      "E_CHECKMK_ANSWER",
      `what answers at ${this.#options.url} is not Checkmk's REST API: it sends ${printable(type, 60) || "no type"}, not JSON`,
      "--url must be that of the REST API: https://HOST/SITE/check_mk/api/1.0",
    );
  }

  #read<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
    const { data, error } = schema.safeParse(body);
    if (data !== undefined) return data;
    const [issue] = error?.issues ?? [];
    throw new FarsiteError(
      "E_CHECKMK_ANSWER",
      `an answer of the central site is not what its REST API promises: ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }

  #unreachable(error: unknown): FarsiteError {
    const { url, timeout } = this.#options;
    if (error instanceof Error && error.name === "TimeoutError") {
      const message = `the central site at ${url} did not answer within ${timeout / 1000} s`;
      return new FarsiteError("E_CHECKMK_UNREACHABLE", message);
    }
    const code = String((error as { code?: unknown }).code ?? "");
    const reason = this.#hide(printable(reasonOf(error), 200));
    if (UNTRUSTED.test(code)) {
      return new FarsiteError(
        "E_CHECKMK_TLS",
        `the certificate of ${url} is not trusted: ${reason}`,
        "--ca-file names the PEM file of the authority that signed it; the name in --url must be one that it is for.",
      );
    }
    return new FarsiteError(
      "E_CHECKMK_UNREACHABLE",
      `the central site at ${url} cannot be reached: ${reason}`,
    );
  }

  /** The other side may say back what it was told. */
  #hide(text: string): string {
    return text.replaceAll(this.#options.secret, "***");
  }
}

function pathOf(id: string): string {
  return `/objects/site_connection/${encodeURIComponent(id)}`;
}

function nameOf(id: string): string {
  return `the site connection ${id}`;
}
