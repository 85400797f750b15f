export { healthApp, metricsApp } from "./app.ts";
export { metricsConfig } from "./config.ts";
export { Handshakes } from "./handshakes.ts";
export { Health } from "./health.ts";
export { MetricsListener } from "./listener.ts";
export type { Sources } from "./sources.ts";
