/** What every answer tells the browser not to do. */

import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { WebEnv } from "./context.ts";

const YEAR = 31_536_000;
const SELF = ["'self'"];

/** @param tls whether browsers come by HTTPS, and are to remember it */
export function securityHeaders(tls: boolean): MiddlewareHandler<WebEnv> {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: SELF,
      styleSrc: SELF,
      imgSrc: [...SELF, "data:"],
      connectSrc: SELF,
      formAction: SELF,
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    strictTransportSecurity: tls ? `max-age=${YEAR}` : false,
    referrerPolicy: "same-origin",
    xFrameOptions: "DENY",
    crossOriginEmbedderPolicy: true,
    crossOriginOpenerPolicy: true,
    crossOriginResourcePolicy: true,
    // all of these are for browsers that are no more
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xDnsPrefetchControl: false,
    xXssProtection: false,
  });
}
