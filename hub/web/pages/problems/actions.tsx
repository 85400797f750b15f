/** @jsxImportSource hono/jsx */
/** What can be done about the problems that are marked. */
import { span } from "../../view/index.ts";
import { Check } from "../parts/index.ts";
import { DOWNTIMES, LONGEST_COMMENT } from "./order.ts";

const MINUTE = 60_000;

export function Actions() {
  return (
    <fieldset class="orders">
      <legend class="unseen">What to do about the marked problems</legend>
      <label for="comment">Comment</label>
      <input
        id="comment"
        type="text"
        name="comment"
        maxlength={LONGEST_COMMENT}
        autocomplete="off"
        placeholder="Why; needed to acknowledge and for a downtime"
      />
      <button class="main" name="do" value="acknowledge">
        Acknowledge
      </button>
      <span class="pair">
        <button name="do" value="downtime">
          Downtime for
        </button>
        <select name="minutes" aria-label="Length of the downtime">
          {DOWNTIMES.map((minutes) => (
            <option value={String(minutes)} selected={minutes === 120}>
              {span(minutes * MINUTE)}
            </option>
          ))}
        </select>
      </span>
      <button name="do" value="recheck">
        Check now
      </button>
      <details class="more">
        <summary>More</summary>
        <div class="options">
          <Check label="Acknowledge until it is OK, not only until the state changes" name="sticky" checked />
          <Check label="Tell the contacts of the acknowledgement" name="notify" checked />
          <Check label="Keep the comment afterwards" name="persistent" />
          <Check label="Downtime of a host: its services, too" name="services" />
          <p class="inline">
            <button name="do" value="unacknowledge">
              Take the acknowledgement back
            </button>
            <button name="do" value="remove-downtime">
              End downtimes
            </button>
          </p>
        </div>
      </details>
    </fieldset>
  );
}
