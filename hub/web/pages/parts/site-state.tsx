/** @jsxImportSource hono/jsx */
/** The state of one site, in a line that keeps itself current. */
import type { SeenSite } from "../../../access/index.ts";
import { siteTone } from "../../view/index.ts";
import { Badge } from "./badge.tsx";
import { Since } from "./time.tsx";

export function SiteState({ site, now }: { site: Pick<SeenSite, "livestatus">; now: number }) {
  const { state, since, reason, cause } = site.livestatus;
  return (
    <div class="state" id="site-state" data-region="" role="status">
      <Badge tone={siteTone(state)} text={state} /> <Since at={since} now={now} />{" "}
      {reason !== undefined && (
        <span class="soft">{cause === undefined ? reason : `${cause}: ${reason}`}</span>
      )}
    </div>
  );
}
