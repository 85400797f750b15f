export { type ApiOptions, apiApp } from "./app.ts";
