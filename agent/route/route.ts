/** Which way out leads to an address of the hub: straight, or through a proxy, and who says so. */
import { FarsiteError } from "../../common/errors.ts";
import { readSecretFile } from "../../common/files.ts";
import { Login } from "./login.ts";
import { isExempt } from "./no-proxy.ts";
import { type HttpProxy, parseProxy } from "./proxy.ts";
import { addressOf } from "./tcp.ts";

export type Route = { kind: "direct" } | { kind: "proxy"; proxy: HttpProxy };

/** Says the route to a URL of the hub. The answer is always the same: a proxy is never gone past. */
export type RouteTo = (url: string) => Route;

/** The table [proxy] of agent.toml. */
export interface ProxySettings {
  url?: string | undefined;
  user?: string | undefined;
  password_file?: string | undefined;
  from_environment: boolean;
}

/** In place of a proxy's URL: go straight, whatever the environment says. */
export const NO_PROXY = "none";

export const DIRECT: Route = { kind: "direct" };

/** Goes straight to every address. */
export const directly: RouteTo = () => DIRECT;

/**
 * Reads what the configuration and the environment say. The configuration wins, for every address; what it does
 * not say, HTTPS_PROXY and NO_PROXY do, as they do for curl. Throws E_CONFIG or E_KEY_FILE.
 */
export function routesFrom(settings: ProxySettings, environment: NodeJS.ProcessEnv): RouteTo {
  if (settings.url === NO_PROXY) return directly;
  if (settings.url !== undefined) {
    const proxy = parseProxy(settings.url, "agent.toml", configuredLogin(settings));
    return () => ({ kind: "proxy", proxy });
  }
  if (!settings.from_environment) return directly;
  // lower case first, as curl has it
  const variable = (...names: string[]) => names.find((name) => environment[name]);
  const named = variable("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY");
  if (named === undefined) return directly;
  const proxy = parseProxy(environment[named] ?? "", named);
  const exempt = environment[variable("no_proxy", "NO_PROXY") ?? ""] ?? "";
  // they are for TLS; a hub without it is on this host
  return (url) =>
    url.startsWith("wss:") && !isExempt(exempt, addressOf(url)) ? { kind: "proxy", proxy } : DIRECT;
}

function configuredLogin({ user, password_file: file }: ProxySettings): Login | undefined {
  if (user === undefined || file === undefined) return undefined;
  const text = readSecretFile(file);
  if (text === undefined) {
    throw new FarsiteError("E_CONFIG", `proxy.password_file ${file} does not exist`);
  }
  return new Login(user, text.replace(/\r?\n$/, ""));
}

/** What `status` and the log show of a route. Never credentials. */
export type RouteView = { kind: "direct" } | { kind: "proxy"; proxy: string; from: string };

export function viewOf(route: Route): RouteView {
  return route.kind === "direct" ? route : { kind: "proxy", proxy: route.proxy.url, from: route.proxy.from };
}

/** A route in words. */
export function routeText(route: RouteView): string {
  return route.kind === "direct" ? "direct" : `through the proxy ${route.proxy} (${route.from})`;
}
