export { type Entry, MOST_ASIDE, Queue, type QueueOptions } from "./queue.ts";
