export { type Entry, type Meta, MOST_ASIDE, Queue, type QueueOptions } from "./queue.ts";
