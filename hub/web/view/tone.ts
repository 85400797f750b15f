/** The colours of states: one for each of Checkmk's, whatever kind of thing is in it. */

/** `idle` is grey: nothing is known yet, or nothing is wanted to be. */
export type Tone = "ok" | "warn" | "crit" | "unknown" | "idle";

/** Checkmk's words for a site's state, the worst first. */
export const SITE_WORDS = ["dead", "down", "unreach", "unknown", "waiting", "online", "disabled"] as const;
export type SiteWord = (typeof SITE_WORDS)[number];

const SITE_TONES: Readonly<Record<SiteWord, Tone>> = {
  dead: "crit",
  down: "crit",
  unreach: "unknown",
  unknown: "unknown",
  waiting: "idle",
  online: "ok",
  disabled: "idle",
};

export function siteTone(word: SiteWord): Tone {
  return SITE_TONES[word];
}

/** 0 is the worst. */
export function siteOrder(word: SiteWord): number {
  return SITE_WORDS.indexOf(word);
}

/** States in which somebody expects answers of a site and gets none. */
export function isTrouble(word: SiteWord): boolean {
  return word !== "online" && word !== "disabled" && word !== "waiting";
}

/** Checkmk's words for what is wrong with a host or a service, the worst first. */
export type ProblemWord = "down" | "crit" | "unreach" | "unknown" | "warn";

const PROBLEM_TONES: Readonly<Record<ProblemWord, Tone>> = {
  down: "crit",
  crit: "crit",
  unreach: "unknown",
  unknown: "unknown",
  warn: "warn",
};

export function problemTone(word: ProblemWord): Tone {
  return PROBLEM_TONES[word];
}
