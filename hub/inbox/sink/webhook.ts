/** A web address to which each letter is POSTed as JSON. */
import { getCACertificates } from "node:tls";
import type { Turns } from "../../../common/turns.ts";
import type { Letter } from "../letter/index.ts";
import type { Rejected, Sink } from "./sink.ts";

/** Sends a request and gives the answer's status. */
export type Post = (
  url: string,
  request: {
    headers: Record<string, string>;
    body: string;
    timeout: number;
    /** Those (PEM) that vouch for the receiver's certificate besides the public ones. */
    authorities?: readonly string[] | undefined;
  },
) => Promise<{ status: number; text: string }>;

export interface WebhookOptions {
  name: string;
  url: string;
  /** Added to every request: how the receiver knows the hub. Read anew for each, as secrets change. */
  headers: () => Record<string, string>;
  /** What is sent of a letter. */
  contents: (letter: Letter) => object;
  /** ms for one request. */
  timeout: number;
  authorities?: readonly string[] | undefined;
  post: Post;
  turns: Turns;
}

/** Answers that say nothing of the letter: another try may be better. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 421, 423, 425, 429]);
/** Characters of an answer that are logged. */
const MAX_ANSWER = 200;

export class WebhookSink implements Sink {
  readonly kind = "webhook";
  readonly exact = undefined;
  readonly batch = 1;
  readonly name: string;

  constructor(private readonly options: WebhookOptions) {
    this.name = options.name;
  }

  async land(letters: readonly Letter[]): Promise<Rejected[]> {
    const rejected: Rejected[] = [];
    for (const letter of letters) {
      const reason = await this.options.turns.take(() => this.#deliver(letter));
      if (reason !== undefined) rejected.push({ letter, reason });
    }
    return rejected;
  }

  async #deliver(letter: Letter): Promise<string | undefined> {
    const { url, headers, contents, timeout, authorities, post } = this.options;
    const { status, text } = await post(url, {
      headers: {
        ...headers(),
        "Content-Type": "application/json",
        "Idempotency-Key": letter.idempotencyKey,
      },
      body: JSON.stringify(contents(letter)),
      timeout,
      authorities,
    });
    if (status >= 200 && status < 300) return undefined;
    const reason = `${new URL(url).host} answered ${status}${text === "" ? "" : `: ${text}`}`;
    if (status >= 400 && status < 500 && !PASSING.has(status)) return reason;
    throw new Error(reason);
  }
}

/** Over the network; follows no redirect, so that what is sent goes nowhere else. */
export const postOverNetwork: Post = async (url, { headers, body, timeout, authorities }) => {
  const response = await fetch(url, {
    method: "POST",
    headers,
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(timeout),
    ...(authorities && { tls: { ca: [...getCACertificates("default"), ...authorities] } }),
  }).catch((error: unknown) => {
    throw untrusted(url, error) ?? error;
  });
  const text = (await response.text())
    .slice(0, MAX_ANSWER)
    .replace(/\p{Cc}/gu, " ")
    .trim();
  return { status: response.status, text };
};

/** What is said of a certificate that nobody vouches for. */
const UNKNOWN_AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE))$/;

function untrusted(url: string, error: unknown): Error | undefined {
  const code = String((error as { code?: unknown }).code);
  if (!UNKNOWN_AUTHORITY.test(code)) return undefined;
  return new Error(
    `nobody known here vouches for the certificate of ${new URL(url).host} (${code}): name its authority as ca_file`,
  );
}
