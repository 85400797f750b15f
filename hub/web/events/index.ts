export { eventsApp } from "./app.ts";
export { Feeds } from "./feeds.ts";
