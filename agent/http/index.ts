export {
  type HttpAnswer,
  HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  isTimeout,
} from "./client.ts";
