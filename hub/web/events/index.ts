export { eventsApp } from "./app.ts";
export { Feeds } from "./feeds.ts";
export type { FeedReach } from "./reach.ts";
