/** The one place that says which HTTP status an error has. */

import type { ErrorCode, FarsiteError } from "../../../common/errors.ts";

const STATUS = {
  E_REQUEST: 400,
  E_USAGE: 400,
  E_NAME: 400,
  E_PASSWORD: 400,
  E_LOGIN: 401,
  E_FORBIDDEN: 403,
  E_ORIGIN: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_EXISTS: 409,
  E_NOT_ENROLLED: 409,
  E_SITE_ID: 409,
  E_POOL_EMPTY: 409,
  E_TOO_LARGE: 413,
  E_MEDIA_TYPE: 415,
  E_TOO_OFTEN: 429,
  E_LIMIT: 429,
  E_QUERY: 502,
  E_OIDC: 502,
} as const satisfies Partial<Record<ErrorCode, number>>;

type Status = (typeof STATUS)[keyof typeof STATUS];

/** Undefined: an error that is not the client's doing, nor a site's; it is told as a fault of the hub. */
export function statusOf({ code }: FarsiteError): Status | undefined {
  return (STATUS as Partial<Record<ErrorCode, Status>>)[code];
}

/** Of RFC 9110, 15. */
export const PHRASES: Readonly<Record<Status | 500, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  502: "Bad Gateway",
  500: "Internal Server Error",
};
