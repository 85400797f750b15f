/** Mutated requests and answers: no fault, and the same outcome wherever the bytes are cut. */
import { expect, test } from "vitest";
import { type Dice, forSeeds } from "../session/rig.ts";
import { answer, HOST, request, rig } from "./rig.ts";

const REQUESTS = [
  request("GET /acme/check_mk/?a=b", "Cookie: x=y"),
  `${request("POST /1", "Content-Length: 5")}hello`,
  `${request("POST /2", "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`,
  request("HEAD /3", "Connection: close"),
  `GET http://${HOST}/4 HTTP/1.0\r\n\r\n`,
];
const ANSWERS = [
  answer("<html>", "200 OK", "Set-Cookie: a=b"),
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\nto the end",
];
/** What is likely to be read in two ways. */
const SEEDS = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ",",
  "0",
  "5",
  ";",
  "\0",
  "\xa0",
  "Content-Length: 5\r\n",
  "chunked",
];

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[dice.upTo(from.length)] as T;
}

function mutated(dice: Dice, text: string): string {
  let result = text;
  for (let n = dice.upTo(4); n > 0; n--) {
    const at = dice.upTo(result.length);
    const seed = dice.upTo(2) === 0 ? pick(dice, SEEDS) : "";
    result = result.slice(0, at) + seed + result.slice(at + dice.upTo(3));
  }
  return result;
}

function* cutUp(dice: Dice, text: string): Generator<Buffer> {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; ) {
    const to = Math.min(bytes.length, at + 1 + dice.upTo(20));
    yield bytes.subarray(at, to);
    at = to;
  }
}

const whole = (text: string) => [Buffer.from(text, "latin1")];

test("mutated requests come to the same end in one piece and in many", async () => {
  const outcome = async (pieces: Iterable<Buffer>) => {
    const { client, streams } = rig();
    const browser = client();
    for (const piece of pieces) await browser.sends(piece);
    for (let asked = 0; asked < 3; asked++) await streams.at(-1)?.says("HTTP/1.1 204 No Content\r\n\r\n");
    const wrong = browser.received.includes("Farsite: malformed");
    const { received, ending } = browser;
    // of a body that goes wrong later the site may have seen more or less
    return { received, ending, asked: wrong ? "" : streams.map((each) => each.received).join("|") };
  };
  await forSeeds(1, 500, async (dice) => {
    const parts = Array.from({ length: 1 + dice.upTo(3) }, () => pick(dice, REQUESTS));
    const text = mutated(dice, parts.join(""));
    expect([text, await outcome(cutUp(dice, text))]).toEqual([text, await outcome(whole(text))]);
  });
});

test("mutated answers come to the same end in one piece and in many", async () => {
  const outcome = async (pieces: Iterable<Buffer>) => {
    const { client, newest } = rig();
    const browser = await client().sends(request("GET /"));
    for (const piece of pieces) await newest().says(piece);
    await newest().closes();
    const { received, ending } = browser;
    // what of a body that goes wrong was with the client before that depends on the pieces
    return ending === "reset" ? { ending } : { received, ending };
  };
  await forSeeds(1, 500, async (dice) => {
    const text = mutated(dice, pick(dice, ANSWERS));
    expect([text, await outcome(cutUp(dice, text))]).toEqual([text, await outcome(whole(text))]);
  });
});
