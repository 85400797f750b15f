import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseChallenges } from "../../../agent/route/challenge.ts";
import { answerDigest, digestStrength } from "../../../agent/route/digest.ts";

const challenge = (text: string) => {
  const [first] = parseChallenges(text) ?? [];
  if (!first) throw new Error(`no challenge: ${text}`);
  return first;
};

const REQUEST = {
  method: "GET",
  uri: "/dir/index.html",
  user: "Mufasa",
  password: "Circle of Life",
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

/** The parameters of an answer. */
function params(answer: string): Record<string, string> {
  const [own] = parseChallenges(answer) ?? [];
  return Object.fromEntries(own?.params ?? []);
}

describe("the examples of RFC 7616, section 3.9.1", () => {
  const rest =
    'realm="http-auth@example.org", qop="auth, auth-int", ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';

  test.each([
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ])("%s", (algorithm, response) => {
    const answer = answerDigest(challenge(`Digest ${rest}, algorithm=${algorithm}`), REQUEST);
    expect(params(answer)).toEqual({
      username: "Mufasa",
      realm: "http-auth@example.org",
      uri: "/dir/index.html",
      algorithm,
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      nc: "00000001",
      cnonce: REQUEST.cnonce,
      qop: "auth",
      response,
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    });
    // these stand without quotes (section 3.4), and some servers insist
    for (const bare of [`algorithm=${algorithm}`, "qop=auth", "nc=00000001"])
      expect(answer).toContain(`, ${bare}`);
  });
});

test("where the proxy wants it, the user name is hashed (RFC 7616, section 3.4.4)", () => {
  const answer = answerDigest(
    challenge('Digest realm="r", qop="auth", algorithm=SHA-256, charset=UTF-8, userhash=true, nonce="n"'),
    { ...REQUEST, user: "J\u00e4s\u00f8n Doe" },
  );
  const h = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");
  const a1 = h("J\u00e4s\u00f8n Doe:r:Circle of Life");
  expect(params(answer)).toMatchObject({
    username: h("J\u00e4s\u00f8n Doe:r"),
    userhash: "true",
    response: h(`${a1}:n:00000001:${REQUEST.cnonce}:auth:${h("GET:/dir/index.html")}`),
  });
});

test("without qop the answer is that of RFC 2069", () => {
  const answer = params(answerDigest(challenge('Digest realm="r", nonce="n"'), REQUEST));
  const h = (text: string) => createHash("md5").update(text).digest("hex");
  const response = h(`${h("Mufasa:r:Circle of Life")}:n:${h("GET:/dir/index.html")}`);
  expect(answer).toEqual({ username: "Mufasa", realm: "r", nonce: "n", uri: "/dir/index.html", response });
});

test("-sess takes the nonces into the key", () => {
  const answer = params(
    answerDigest(challenge('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess'), REQUEST),
  );
  const h = (text: string) => createHash("md5").update(text).digest("hex");
  const a1 = h(`${h("Mufasa:r:Circle of Life")}:n:${REQUEST.cnonce}`);
  const response = h(`${a1}:n:00000001:${REQUEST.cnonce}:auth:${h("GET:/dir/index.html")}`);
  expect(answer).toMatchObject({ algorithm: "MD5-sess", response });
});

test("what a proxy sends back quoted stays within its quotes", () => {
  const answer = answerDigest(challenge('Digest realm="a\\"b\\\\", nonce="n", opaque="x\\", evil=\\"y"'), {
    ...REQUEST,
    user: 'A"B\\C',
  });
  expect(params(answer)).toMatchObject({ realm: 'a"b\\', opaque: 'x", evil="y', username: 'A"B\\C' });
  expect(params(answer)).not.toHaveProperty("evil");
});

test("a user name outside of ASCII is sent in the extended notation", () => {
  const answer = answerDigest(challenge('Digest realm="r", nonce="n"'), { ...REQUEST, user: "Jäsøn Doe" });
  expect(answer).toContain("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe,");
});

test("the stronger algorithm is preferred, and what cannot be answered is not chosen", () => {
  const strength = (algorithm: string, more = "") =>
    digestStrength(challenge(`Digest realm="r", nonce="n"${algorithm && `, algorithm=${algorithm}`}${more}`));
  expect(strength("SHA-256")).toBeGreaterThan(strength("MD5"));
  expect(strength("md5")).toBe(strength(""));
  for (const none of [
    strength("SHA-512-256"),
    strength("SHA-1"),
    strength("constructor"),
    strength("MD5", ', qop="auth-int"'),
    strength("MD5-sess"),
  ])
    expect(none).toBe(0);
  expect(digestStrength(challenge('Digest realm="r"'))).toBe(0);
  expect(digestStrength(challenge('Basic realm="r", nonce="n"'))).toBe(0);
});
