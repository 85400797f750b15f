/** Where pages are that others link to. */

export function sitePath(tenant: string, site: string): string {
  return `/sites/${encodeURIComponent(tenant)}/${encodeURIComponent(site)}`;
}
