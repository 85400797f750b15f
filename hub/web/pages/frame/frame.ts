/** What every page needs besides its contents. */
import type { Right } from "../../../access/index.ts";
import type { Assets } from "../../assets/index.ts";

/** Who looks at a page. */
export interface Viewer {
  name: string;
  role: string;
  /** What to offer. What is done is checked where it is done. */
  has(right: Right): boolean;
}

export interface Frame {
  assets: Pick<Assets, "url">;
  /** Undefined: nobody is logged in. */
  viewer: Viewer | undefined;
  /** The hidden field `csrf` of every form that changes something. */
  csrf: string;
}
