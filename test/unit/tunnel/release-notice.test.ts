import { expect, test } from "vitest";
import { ReleaseNotice } from "../../../agent/tunnel/release-notice.ts";
import { MemoryLog } from "../../../common/log.ts";

test("a newer release of the hub is noted once, not with every connection", () => {
  const log = new MemoryLog();
  const notice = new ReleaseNotice("0.2.0", log);
  for (const hub of ["0.2.0", "0.1.9", "", "0.3.0", "0.3.0", "0.2.0", "0.3.0", "0.4.0"]) notice.note(hub);
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { agent: "0.2.0", hub: "0.3.0" },
    { agent: "0.2.0", hub: "0.4.0" },
  ]);
});
