/** Tells systemd how the service is (sd_notify(3)); does nothing when not started by it. */
import notify from "systemd-notify";
import type { Log } from "./log.ts";

export function notifySystemd(log: Log, state: { ready?: boolean; status?: string }): void {
  if (!process.env.NOTIFY_SOCKET) return;
  notify(state).catch((error: unknown) =>
    log.warn("systemd could not be notified", { reason: String(error) }),
  );
}
