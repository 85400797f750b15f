export { MAX_SPOOL_FILE, readNotification } from "./notification.ts";
export { corruptedBeside, SpoolFiles } from "./spool-files.ts";
export { NOTIFICATION, type NotifyStatus, NotifyWatcher } from "./watcher.ts";
