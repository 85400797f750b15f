/** How an API token looks: `farsite_ID_SECRET`, which scanners for secrets can tell. */

const TOKEN = /^farsite_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export function tokenText(id: string, secret: string): string {
  return `farsite_${id}_${secret}`;
}

/** Undefined: it is none. */
export function parseToken(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
