import { expect, test } from "vitest";
import { dialError } from "../../../agent/tunnel/failure.ts";

const URL = "wss://hub.example";

function failed(message: string, code?: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

test.each([
  [
    "a name that is not known",
    failed("getaddrinfo ENOTFOUND", "ENOTFOUND"),
    "E_HUB_UNREACHABLE",
    "cannot be resolved",
  ],
  [
    "a resolver that does not answer",
    failed("getaddrinfo", "EAI_AGAIN"),
    "E_HUB_UNREACHABLE",
    "cannot be resolved",
  ],
  ["a port that refuses", failed("connect", "ECONNREFUSED"), "E_HUB_UNREACHABLE", "refuses the connection"],
  [
    "a network that is not there",
    failed("connect ENETUNREACH", "ENETUNREACH"),
    "E_HUB_UNREACHABLE",
    "ENETUNREACH",
  ],
  ["an error with a code alone", failed("", "EPIPE"), "E_HUB_UNREACHABLE", "EPIPE"],
  [
    "a certificate of nobody known",
    failed("self signed", "DEPTH_ZERO_SELF_SIGNED_CERT"),
    "E_TLS_UNTRUSTED",
    "not trusted",
  ],
  [
    "a certificate of a private authority",
    failed("no issuer", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
    "E_TLS_UNTRUSTED",
    "not trusted",
  ],
  [
    "a certificate for another name",
    failed("altname", "ERR_TLS_CERT_ALTNAME_INVALID"),
    "E_TLS_UNTRUSTED",
    "not trusted",
  ],
  ["a certificate of the past", failed("expired", "CERT_HAS_EXPIRED"), "E_TLS_UNTRUSTED", "this host's time"],
  [
    "a certificate of the future",
    failed("not yet", "CERT_NOT_YET_VALID"),
    "E_TLS_UNTRUSTED",
    "this host's time",
  ],
  ["a hub at its limit", failed("Unexpected server response: 503"), "E_HUB_BUSY", "takes no more handshakes"],
  ["another server", failed("Unexpected server response: 404"), "E_HUB_UNREACHABLE", "HTTP status 404"],
  [
    "a captive portal",
    failed("Expected 101 status code"),
    "E_HUB_UNREACHABLE",
    "did not answer as a Farsite hub",
  ],
])("%s is named with the hub and a stable code", (_, error, code, words) => {
  const told = dialError(URL, error);
  expect(told.code).toBe(code);
  expect(told.message).toContain(words);
  expect(told.message).toContain(URL);
});

test("a certificate that the clock makes invalid leads to the clock", () => {
  expect(dialError(URL, failed("expired", "CERT_HAS_EXPIRED")).hint).toContain("set this host's clock");
});
