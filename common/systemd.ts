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
  /** It stops, which may take so many ms from now. */
  stopping?: number;
}

/** ms for what is left to do when nothing is under way any more. */
export const STOP_TIME = 5_000;
/** ms for the program that tells it. */
const TELL_TIMEOUT = 5_000;

export function notifySystemd(log: Log, { ready, status, alive, stopping }: ServiceState): void {
  if (!process.env.NOTIFY_SOCKET) return;
  const told: Promise<void>[] = [];
  if (ready || status !== undefined) {
    // a line break would begin another word of the protocol
    told.push(notify({ ...(ready && { ready }), status: (status ?? "").replace(/\p{Cc}/gu, "?") }));
  }
  if (alive) told.push(tell("WATCHDOG=1"));
  if (stopping !== undefined)
    told.push(tell("STOPPING=1", `EXTEND_TIMEOUT_USEC=${Math.ceil(stopping * 1000)}`));
  Promise.all(told).catch((error: unknown) =>
    log.warn("systemd could not be notified", { reason: String(error) }),
  );
}

/** What the package systemd-notify has no word for; so its program is called directly. */
function tell(...words: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("systemd-notify", words, { timeout: TELL_TIMEOUT }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
