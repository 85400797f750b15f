export { type NotificationsConfig, notificationsConfig } from "./config.ts";
export { NOTIFY_LANE, type NotifyLane, notifyLane } from "./lane.ts";
export { readNotification, spoolFile } from "./notification.ts";
