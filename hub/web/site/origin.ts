/** Whether a request is for this hub, and from a page of this hub: against DNS rebinding and forged requests. */

import { FarsiteError } from "../../../common/errors.ts";
import { isLoopbackIp, parseIp } from "../../../common/network.ts";
import { type WebConfig, webUrl } from "../../config/index.ts";

export class Origins {
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  constructor(web: WebConfig) {
    const { protocol, host } = new URL(webUrl(web));
    const origins = new Set([`${protocol}//${host}`]);
    const address = parseIp(web.address);
    // who can come to a loopback address by name of this host does
    if (address && isLoopbackIp(address)) {
      const scheme = web.tls === "off" ? "http:" : "https:";
      for (const name of ["localhost", "127.0.0.1", "[::1]"])
        origins.add(new URL(`${scheme}//${name}:${web.port}`).origin);
    }
    this.#origins = origins;
    this.#hosts = new Set([...origins].map((origin) => new URL(origin).host));
  }

  /** Throws E_REQUEST: the browser took another name for this hub's. */
  checkHost(request: Request): void {
    if (this.#hosts.has(new URL(request.url).host)) return;
    throw new FarsiteError(
      "E_REQUEST",
      "this hub is not known by the name in the request",
      "Open the address that hub.toml has as web.url.",
    );
  }

  /** For what changes something. Throws E_ORIGIN: a page of another site may have sent it. */
  checkSender({ headers }: Request): void {
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    const fits = origin !== null && this.#origins.has(origin);
    if ((site === null && fits) || (site === "same-origin" && (origin === null || fits))) return;
    throw foreign();
  }
}

export function foreign(): FarsiteError {
  return new FarsiteError(
    "E_ORIGIN",
    "the request did not come from a page of this hub, or from one that is out of date",
    "Open the page again and repeat it. Programs use an API token.",
  );
}
