import { describe, expect, test } from "vitest";
import {
  AnswerReader,
  errorAnswer,
  formatHead,
  parseHead,
  Refusal,
} from "../../../common/livestatus/index.ts";
import { forSeeds } from "../session/rig.ts";

const answer = (body: string, code = 200) => Buffer.from(formatHead({ code, length: body.length }) + body);

test("the head is 16 bytes: code, space, length in 11 places, line end", () => {
  expect(formatHead({ code: 200, length: 12 })).toBe("200          12\n");
  expect(formatHead({ code: 404, length: 99_999_999_999 })).toBe("404 99999999999\n");
  expect(parseHead(Buffer.from("200          12\nabc"))).toEqual({ code: 200, length: 12 });
  expect(parseHead(Buffer.from("502 00000000012\n"))).toEqual({ code: 502, length: 12 });
});

test.each([
  "200         12\n\n",
  "20           12\n",
  "200         -12\n",
  "200         1e2\n",
  "200            \n",
  "20012         1\n",
  "a;b;c;d;e;f;g;h\n",
  "200          12",
])("%j is no head", (text) => {
  expect(parseHead(Buffer.from(text))).toBeUndefined();
});

test("an error is one line of text, whatever it was made of", () => {
  expect(`${errorAnswer(new Refusal(502, "the core\nis\0 away\r\n"))}`).toBe(
    "502          17\nthe core is away\n",
  );
  const umlauts = errorAnswer(new Refusal(403, "ä"));
  expect(umlauts.toString()).toBe("403           3\nä\n");
  expect(errorAnswer(new Refusal(400, "x".repeat(100_000))).length).toBeLessThan(1_100);
});

describe("following an answer", () => {
  test("however it is cut, it goes on whole, and what is behind it does not", async () => {
    await forSeeds(1, 200, async (dice) => {
      const whole = answer("z".repeat(dice.upTo(60)), dice.unit() < 0.5 ? 200 : 404);
      const sent = Buffer.concat([whole, dice.bytes(dice.upTo(20))]);
      const reader = new AnswerReader();
      const got: Buffer[] = [];
      for (let at = 0; at < sent.length && !reader.whole; ) {
        const n = 1 + dice.upTo(20);
        got.push(reader.push(sent.subarray(at, at + n)));
        at += n;
      }
      expect([reader.whole, reader.malformed]).toEqual([true, false]);
      expect(Buffer.concat(got).equals(whole)).toBe(true);
    });
  });

  test("it is not whole a byte too early", () => {
    const reader = new AnswerReader();
    reader.push(answer("abc").subarray(0, -1));
    expect([reader.whole, reader.head]).toEqual([false, { code: 200, length: 3 }]);
    reader.push(Buffer.from("c"));
    expect(reader.whole).toBe(true);
  });

  test("an empty body is whole with its head", () => {
    const reader = new AnswerReader();
    expect(reader.push(answer("")).length).toBe(16);
    expect(reader.whole).toBe(true);
  });

  test("what has no head goes on as it is, and never is whole", () => {
    const reader = new AnswerReader();
    expect(reader.push(Buffer.from("a;b;c")).length).toBe(0);
    expect(`${reader.partial}`).toBe("a;b;c");
    expect(`${reader.push(Buffer.from(";d;e;f;g;h;i\n"))}`).toBe("a;b;c;d;e;f;g;h;i\n");
    expect(`${reader.push(Buffer.from("200          12\n"))}`).toBe("200          12\n");
    expect([reader.malformed, reader.whole]).toEqual([true, false]);
  });

  test("large bodies are handed on without a copy", () => {
    const chunk = answer("x".repeat(1_000));
    const reader = new AnswerReader();
    expect(reader.push(chunk)).toBe(chunk);
  });
});
