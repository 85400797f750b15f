/** Redirections of a site to itself, which must lead the client to where it found the site. */

const ABSOLUTE = /^https?:\/\/([^/?#\\]*)(.*)$/i;
/** Hosts that mean the machine of whoever reads them. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/i;

/**
 * An absolute URL on a loopback address, which a site gives when it takes its own address for the client's: with
 * the client's `host` in its place. All else is given back as it is.
 */
export function rewriteLocation(url: string, host: string): string {
  const [, authority, path] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined || authority.toLowerCase() === host.toLowerCase()) return url;
  return LOOPBACK.test(authority.replace(/:\d{0,5}$/, "")) ? `http://${host}${path}` : url;
}
