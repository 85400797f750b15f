/** Tells systemd how the service is (sd_notify(3)); does nothing when not started by it. */
import { execFile } from "node:child_process";
import notify from "systemd-notify";
import type { Log } from "./log.ts";

/** What systemd is told. */
export interface ServiceState {
  ready?: boolean;
  /** One line, as `systemctl status` shows it. */
  status?: string;
  /** A sign of life for the watchdog. */
  alive?: boolean;
}

/** ms for the program that tells it. */
const TELL_TIMEOUT = 5_000;

export function notifySystemd(log: Log, { ready, status, alive }: ServiceState): void {
  if (!process.env.NOTIFY_SOCKET) return;
  const told: Promise<void>[] = [];
  if (ready || status !== undefined) {
    // a line break would begin another word of the protocol
    told.push(notify({ ...(ready && { ready }), status: (status ?? "").replace(/\p{Cc}/gu, "?") }));
  }
  if (alive) told.push(signOfLife());
  Promise.all(told).catch((error: unknown) =>
    log.warn("systemd could not be notified", { reason: String(error) }),
  );
}

/** The package systemd-notify has no word for it, so its program is called directly. */
function signOfLife(): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("systemd-notify", ["WATCHDOG=1"], { timeout: TELL_TIMEOUT }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
