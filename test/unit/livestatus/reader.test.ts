import { describe, expect, test } from "vitest";
import {
  keepsAlive,
  Refusal,
  type Request,
  RequestReader,
  requestBytes,
  wantsFixed16,
} from "../../../common/livestatus/index.ts";
import { forSeeds } from "../session/rig.ts";

const LONGEST = 4_096;

/** What comes of these chunks, the client's half-close behind them if asked for. */
function read(chunks: readonly (string | Buffer)[], eof = false, longest = LONGEST): (Request | Refusal)[] {
  const reader = new RequestReader({ longest });
  const found: (Request | Refusal)[] = [];
  const take = () => {
    for (let next = reader.next(); next; next = reader.next()) {
      // the same refusal is given for ever
      if (found.at(-1) instanceof Refusal) return;
      found.push(next);
    }
  };
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk as Buffer));
    take();
  }
  if (eof) {
    reader.end();
    take();
  }
  return found;
}

/** In short: how it is taken, and what goes on to the core. */
function brief(item: Request | Refusal): string {
  if (item instanceof Refusal) return `refused ${item.code}`;
  return `${item.method ?? "?"} <${item.target}> ${item.ended} ${JSON.stringify(requestBytes(item).toString("latin1"))}`;
}

describe("a request is its lines up to the empty one", () => {
  const cases: Record<string, [sent: string, eof: boolean, expected: string[]]> = {
    "a query": [
      "GET hosts\nColumns: name\n\n",
      false,
      ['GET <hosts> line "GET hosts\\nColumns: name\\n\\n"'],
    ],
    "not before its empty line": ["GET hosts\nColumns: name\n", false, []],
    "nothing at all": ["", true, []],
    "two of them": [
      "GET hosts\n\nGET services\n\n",
      false,
      ['GET <hosts> line "GET hosts\\n\\n"', 'GET <services> line "GET services\\n\\n"'],
    ],
    "a command": [
      "COMMAND [1700000000] A;b c\n\n",
      false,
      ['COMMAND <[1700000000] A;b c> line "COMMAND [1700000000] A;b c\\n\\n"'],
    ],
    "half-close instead of the empty line": ["GET hosts\n", true, ['GET <hosts> eof "GET hosts\\n"']],
    "half-close in the middle of a line": ["GET ho", true, ['GET <ho> eof "GET ho"']],
    "half-close behind a whole request": ["GET hosts\n\n", true, ['GET <hosts> line "GET hosts\\n\\n"']],
    "CR LF": [
      "GET hosts\r\nLimit: 1\r\n\r\n",
      false,
      ['GET <hosts> line "GET hosts\\r\\nLimit: 1\\r\\n\\n"'],
    ],
    "a line of white space is none": [
      "GET hosts\n \t\nLimit: 1\n\r\r\n\n",
      false,
      ['GET <hosts> line "GET hosts\\nLimit: 1\\n\\n"'],
    ],
    "white space alone": [" \n\t", true, []],
    "an empty request": ["\nGET hosts\n\n", false, ["refused 451"]],
    "no method that cores know": [
      "get hosts\n\n GET hosts\n\nGET\thosts\n\n",
      false,
      [
        '? <hosts> line "get hosts\\n\\n"',
        '? <GET hosts> line " GET hosts\\n\\n"',
        '? <> line "GET\\thosts\\n\\n"',
      ],
    ],
    "no table": ["GET\n\n", false, ['GET <> line "GET\\n\\n"']],
    "bytes that are no text": ["GET ho\0sts\n\n", false, ["refused 400"]],
    "a command in a query": ["GET hosts\nCOMMAND [1] STOP\n\n", false, ["refused 400"]],
    "a query in a command": ["COMMAND [1] STOP\nGET hosts\n\n", false, ["refused 400"]],
    "a command in the unfinished rest": ["GET hosts\nCOMMAND [1] STOP", true, ["refused 400"]],
    "what only looks like one": [
      "GET hosts\nCOMMANDS: x\n\n",
      false,
      ['GET <hosts> line "GET hosts\\nCOMMANDS: x\\n\\n"'],
    ],
    "no UTF-8": [
      "GET hosts\nFilter: name = \xff\xe4\n\n",
      false,
      ['GET <hosts> line "GET hosts\\nFilter: name = \xff\xe4\\n\\n"'],
    ],
  };

  test.each(Object.entries(cases))("%s", (_, [sent, eof, expected]) => {
    expect(read([Buffer.from(sent, "latin1")], eof).map(brief)).toEqual(expected);
  });

  test.each(Object.entries(cases))("%s, byte by byte", (_, [sent, eof, expected]) => {
    const bytes = [...Buffer.from(sent, "latin1")].map((byte) => Buffer.of(byte));
    expect(read(bytes, eof).map(brief)).toEqual(expected);
  });
});

test("headers keep their order; what is stripped is gone and nothing else", () => {
  const [request] = read(["GET hosts\nCache: reload\nFilter: a = b: c\nKeepAlive:on\nOr: 2 \nCache: x\n\n"]);
  if (!request || request instanceof Refusal) throw new Error("no request");
  expect(request.headers.map(({ name, value }) => [name, value])).toEqual([
    ["Cache", "reload"],
    ["Filter", "a = b: c"],
    ["KeepAlive", "on"],
    ["Or", "2"],
    ["Cache", "x"],
  ]);
  expect(`${requestBytes(request, new Set(["Cache", "KeepAlive"]))}`).toBe(
    "GET hosts\nFilter: a = b: c\nOr: 2 \n\n",
  );
});

test.each([
  ["GET hosts\n\n", false, false],
  ["GET hosts\nResponseHeader: fixed16\nKeepAlive: on\n\n", true, true],
  ["GET hosts\nResponseHeader:fixed16\nKeepAlive:on\r\n\n", true, true],
  [
    "GET hosts\nResponseHeader: fixed16\nKeepAlive: on\nResponseHeader: off\nKeepAlive: off\n\n",
    false,
    false,
  ],
  ["GET hosts\nresponseheader: fixed16\nKeepAlive : on\n\n", false, false],
  ["COMMAND [1] X\n\n", false, true],
])("%j: fixed16 %s, kept %s", (text, fixed16, kept) => {
  const [request] = read([text]);
  if (!request || request instanceof Refusal) throw new Error("no request");
  expect([wantsFixed16(request), keepsAlive(request)]).toEqual([fixed16, kept]);
});

describe("limits", () => {
  test("a request of just the length allowed is read, one byte more is refused", () => {
    const request = `GET hosts\nFilter: name = ${"x".repeat(300)}\n\n`;
    expect(read([request], false, request.length).map(brief)[0]).toMatch(/^GET/);
    expect(read([request], false, request.length - 1).map(brief)).toEqual(["refused 413"]);
  });

  test("a line without end is refused before it is complete", () => {
    expect(read(["GET hosts\nFilter: ", "x".repeat(LONGEST)]).map(brief)).toEqual(["refused 413"]);
  });

  test("headers without end are refused", () => {
    const endless = `GET hosts\n${"Or: 2\n".repeat(40_000)}`;
    expect(read([endless], false, 1 << 20).map(brief)).toEqual(["refused 413"]);
  });

  test("the limit is one request's, not all requests' together", () => {
    const many = "GET hosts\n\n".repeat(LONGEST);
    expect(read([many])).toHaveLength(LONGEST);
  });

  test("after a refusal nothing is understood any more", () => {
    const reader = new RequestReader({ longest: LONGEST });
    reader.push(Buffer.from("\n"));
    const refusal = reader.next();
    expect(refusal).toBeInstanceOf(Refusal);
    reader.push(Buffer.from("GET hosts\n\n"));
    expect(reader.next()).toBe(refusal);
  });
});

test("it says how much it holds, whether a request has begun, and in which form errors are wanted", () => {
  const reader = new RequestReader({ longest: LONGEST });
  expect([reader.held, reader.started, reader.fixed16]).toEqual([0, false, false]);
  reader.push(Buffer.from("GET hosts\nResponseHeader: fixed16\nCol"));
  expect(reader.next()).toBeUndefined();
  expect([reader.held, reader.started, reader.fixed16]).toEqual([37, true, true]);
  reader.push(Buffer.from("umns: name\n\nGET "));
  expect(reader.next()).toMatchObject({ target: "hosts" });
  expect(reader.next()).toBeUndefined();
  expect([reader.held, reader.started, reader.fixed16]).toEqual([4, true, false]);
});

test("what was read stays as it was while more is read", () => {
  const reader = new RequestReader({ longest: 1 << 20 });
  const taken: Request[] = [];
  const texts = Array.from({ length: 50 }, (_, n) => `GET t${n}\nFilter: x = ${"y".repeat(n * 397)}\n\n`);
  for (const text of texts) {
    reader.push(Buffer.from(text));
    taken.push(reader.next() as Request);
  }
  expect(taken.map((request) => `${requestBytes(request)}`)).toEqual(texts);
});

/** The rules once more, the slow way: over the whole text at once. */
function reference(text: string, eof: boolean): string[] {
  const found: string[] = [];
  let lines: string[] = [];
  const emit = (ended: string) => {
    const bytes = lines.join("") + (ended === "line" ? "\n" : "");
    found.push(`${ended} ${JSON.stringify(bytes)}`);
    lines = [];
  };
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const complete = line.endsWith("\n");
    if (!complete && !eof) break;
    if (/^\r?\n$/.test(line)) {
      if (lines.length === 0) return [...found, "refused"];
      emit("line");
    } else if (/^[ \t\r\n\v\f]*$/.test(line)) {
    } else if (line.includes("\0") || (lines.length > 0 && /^(GET|COMMAND) /.test(line))) {
      return [...found, "refused"];
    } else lines.push(line);
  }
  if (eof && lines.length > 0) emit("eof");
  return found;
}

test("however it is cut, it is read as the rules say", async () => {
  const pieces = [
    "GET hosts\n",
    "COMMAND [1] X;y\n",
    "Limit: 1\n",
    "\n",
    "\n",
    "\r\n",
    " \n",
    "\r\r\n",
    "\0",
    "x",
    "Filter: ä = 1\n",
    " GET y\n",
  ];
  await forSeeds(1, 400, async (dice) => {
    const text = Array.from({ length: dice.upTo(30) }, () => pieces[dice.upTo(pieces.length)]).join("");
    const eof = dice.unit() < 0.5;
    const bytes = Buffer.from(text, "latin1");
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const n = 1 + dice.upTo(12);
      chunks.push(bytes.subarray(at, at + n));
      at += n;
    }
    const got = read(chunks, eof).map((item) =>
      item instanceof Refusal
        ? "refused"
        : `${item.ended} ${JSON.stringify(requestBytes(item).toString("latin1"))}`,
    );
    expect(got).toEqual(reference(text, eof));
  });
});

test("random bytes never throw, and no more than the limit is held", async () => {
  await forSeeds(1, 50, async (dice) => {
    const reader = new RequestReader({ longest: 200 });
    for (let round = 0; round < 40; round++) {
      const chunk = Buffer.from(dice.bytes(1 + dice.upTo(100)));
      reader.push(chunk);
      let item = reader.next();
      while (item && !(item instanceof Refusal)) item = reader.next();
      if (item) return;
      expect(reader.held).toBeLessThanOrEqual(200);
    }
  });
});
