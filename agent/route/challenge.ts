/** The challenges of a Proxy-Authenticate field (RFC 9110, sections 11.3 and 11.6.1). */

export interface Challenge {
  /** Lower case. */
  scheme: string;
  /** By lower-case name, quotes taken off. */
  params: ReadonlyMap<string, string>;
}

const SEPARATORS = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
const VALUE = /[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))/y;
// stands alone behind its scheme: what is followed by more is a parameter
const TOKEN68 = /[ ]+[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Takes a field apart; where there are several, they are joined with commas first. One field may hold several
 * challenges, whose parameters are separated by commas as well. Undefined when it is not well formed.
 */
export function parseChallenges(text: string): Challenge[] | undefined {
  let at = 0;
  const eat = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  const challenges: { scheme: string; params: Map<string, string> }[] = [];
  for (;;) {
    eat(SEPARATORS);
    if (at === text.length) return challenges;
    const name = eat(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return undefined;
    const value = eat(VALUE);
    if (!value) {
      challenges.push({ scheme: name, params: new Map() });
      eat(TOKEN68);
      continue;
    }
    const params = challenges.at(-1)?.params;
    // a parameter must be there once only (RFC 9110, section 11.2)
    if (!params || params.has(name)) return undefined;
    params.set(name, value[1]?.replace(/\\(.)/g, "$1") ?? value[2] ?? "");
  }
}
