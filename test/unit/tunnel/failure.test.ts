import { describe, expect, test } from "vitest";
import { answerError, dialError, isVague, requestError, tlsError } from "../../../agent/tunnel/failure.ts";

const URL = "wss://hub.example";

function failed(message: string, code?: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe("a WebSocket that fails by itself", () => {
  const early = "Client network socket disconnected before secure TLS connection was established";
  test.each([
    ["a name that is not known", failed("getaddrinfo", "ENOTFOUND"), "E_DNS", "cannot be resolved"],
    ["a resolver that does not answer", failed("getaddrinfo", "EAI_AGAIN"), "E_DNS", "cannot be resolved"],
    ["a port that refuses", failed("connect", "ECONNREFUSED"), "E_HUB_UNREACHABLE", "refuses the connection"],
    ["something that does not speak TLS", failed("ssl", "EPROTO"), "E_TLS_FAILED", "does not speak TLS"],
    ["something that hangs up in TLS", failed(early, "ECONNRESET"), "E_TLS_FAILED", "ended it in TLS"],
    [
      "something that does not speak HTTP",
      failed("?", "HPE_INVALID_CONSTANT"),
      "E_NOT_A_HUB",
      "did not answer",
    ],
  ])("because of %s says so at once", (_, error, code, words) => {
    const told = dialError(URL, error);
    expect([told.code, isVague(error)]).toEqual([code, false]);
    expect(told.message).toContain(words);
    expect(told.message).toContain(URL);
    expect(told.hint).toBeDefined();
  });

  test.each([
    ["nothing answers", failed("no answer in 20 s", "ETIMEDOUT")],
    ["the network is not there", failed("connect ENETUNREACH", "ENETUNREACH")],
    ["the connection was reset", failed("socket hang up", "ECONNRESET")],
    ["there is a code alone", failed("", "EPIPE")],
    ["a certificate is not trusted: whose is it?", failed("self signed", "DEPTH_ZERO_SELF_SIGNED_CERT")],
  ])("is looked into when %s", (_, error) => {
    expect(isVague(error)).toBe(true);
  });
});

describe("TLS that does not come about", () => {
  test.each([
    ["a certificate of nobody known", "DEPTH_ZERO_SELF_SIGNED_CERT", "E_TLS_UNTRUSTED", "not trusted"],
    [
      "a certificate of a private authority",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "E_TLS_UNTRUSTED",
      "not trusted",
    ],
    ["a certificate for another name", "ERR_TLS_CERT_ALTNAME_INVALID", "E_TLS_UNTRUSTED", "not trusted"],
    ["a certificate of the past", "CERT_HAS_EXPIRED", "E_TLS_UNTRUSTED", "this host's time"],
    ["a certificate of the future", "CERT_NOT_YET_VALID", "E_TLS_UNTRUSTED", "this host's time"],
    ["silence", "ETIMEDOUT", "E_TLS_TIMEOUT", "silent"],
    ["an early end", "ECONNRESET", "E_TLS_FAILED", "ended it"],
  ])("because of %s", (_, code, expected, words) => {
    const told = tlsError(URL, failed("so it was", code));
    expect(told.code).toBe(expected);
    expect(told.message).toContain(words);
    expect(told.message).toContain(URL);
  });

  test("a certificate that the clock makes invalid leads to the clock", () => {
    expect(tlsError(URL, failed("expired", "CERT_HAS_EXPIRED")).hint).toContain("set this host's clock");
  });

  test("an untrusted certificate is told with who issued it: what inspects gives itself away", () => {
    const error = failed("no issuer", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
    const issuer = { O: "Blue Coat\u001b[2J", CN: "inspection.acme.example" };
    const { message } = tlsError(URL, error, { issuer } as never);
    expect(message).toContain('"Blue Coat?[2J, inspection.acme.example"');
    expect(tlsError(URL, error, {}).message).not.toContain("issued");
  });
});

describe("an answer that is no WebSocket", () => {
  test.each([
    [200, "E_CAPTIVE_PORTAL"],
    [204, "E_CAPTIVE_PORTAL"],
    [302, "E_CAPTIVE_PORTAL"],
    [511, "E_CAPTIVE_PORTAL"],
    [101, "E_UPGRADE_STRIPPED"],
    [426, "E_UPGRADE_STRIPPED"],
    [503, "E_HUB_BUSY"],
    [400, "E_NOT_A_HUB"],
    [403, "E_NOT_A_HUB"],
    [404, "E_NOT_A_HUB"],
    [502, "E_NOT_A_HUB"],
  ])("%i is %s", (status, code) => {
    const told = answerError(URL, status);
    expect(told.code).toBe(code);
    expect(told.message).toContain(URL);
    if (status !== 503) expect(told.message).toContain(`HTTP status ${status}`);
  });

  test("a portal is told with where it leads to, without what may be secret in that address", () => {
    const told = answerError(URL, 302, "https://login.hotel.example/start?session=12345").message;
    expect(told).toContain("https://login.hotel.example");
    expect(told).not.toContain("12345");
    expect(answerError(URL, 302, "no url\r\nat all").message).not.toContain("at all");
  });

  test.each([
    ["ETIMEDOUT", "E_HTTP_TIMEOUT"],
    ["ECONNRESET", "E_NOT_A_HUB"],
  ])("none at all, because of %s, is %s", (code, expected) => {
    expect(requestError(URL, failed("so it was", code)).code).toBe(expected);
  });
});
