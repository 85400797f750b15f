export { type HttpAnswer, HttpClient, type HttpRequest, isTimeout } from "./client.ts";
