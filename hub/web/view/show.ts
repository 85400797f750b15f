/** Which sites of the overview are shown: the choices above the table. */
import { isTrouble, SITE_WORDS, type SiteWord } from "./tone.ts";

/** What a site's row is judged by. */
export interface Shown {
  state: SiteWord;
  outdated: boolean;
  never: boolean;
}

export const SHOWS = ["all", "trouble", ...SITE_WORDS, "update", "never"] as const;
export type Show = (typeof SHOWS)[number];

export const SHOW_TITLES: Readonly<Record<Show, string>> = {
  all: "All",
  trouble: "Not answering",
  ...(Object.fromEntries(SITE_WORDS.map((word) => [word, word])) as Record<SiteWord, string>),
  update: "Need an update",
  never: "Never connected",
};

export function isShown(show: Show, { state, outdated, never }: Shown): boolean {
  switch (show) {
    case "all":
      return true;
    case "trouble":
      return isTrouble(state);
    case "update":
      return outdated;
    case "never":
      return never;
    default:
      return state === show;
  }
}

/** Whether a text holds every word of a search, in any order and case. */
export function isFound(search: string, text: string): boolean {
  const within = text.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word));
}
