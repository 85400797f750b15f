/** A query's answer as JSON, for who reads it as it comes. */

import { FarsiteError } from "../../../common/errors.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import type { View } from "./view.ts";

/** What the answer is in, whatever the query says. */
const FORM = "OutputFormat: wrapped_json\nColumnHeaders: on";
/** Bytes that wait for who has asked. */
const HIGH_WATER = 64 << 10;

/**
 * Resolves when the answer begins. @throws E_QUERY there is none
 * @param client who asks, for the audit
 */
export function answerInJson(view: View, query: string, client: string): Promise<ReadableStream> {
  return new Promise((resolve, reject) => {
    let owed = 0;
    let begun = false;
    const refuse = (refusal: Refusal) =>
      reject(new FarsiteError("E_QUERY", refusal.message, undefined, { cause: refusal }));
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          stream = controller;
        },
        pull() {
          const bytes = owed;
          owed = 0;
          if (bytes > 0 && !(asking instanceof Refusal)) asking.consumed(bytes);
        },
        cancel() {
          if (!(asking instanceof Refusal)) asking.cancel();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    );
    const begin = () => {
      begun = true;
      resolve(body);
    };
    const asking = view.query(`${query}\n${FORM}`, client, {
      data(chunk) {
        begin();
        stream?.enqueue(new Uint8Array(chunk));
        if ((stream?.desiredSize ?? 0) > 0 && !(asking instanceof Refusal)) asking.consumed(chunk.length);
        else owed += chunk.length;
      },
      whole() {
        begin();
        stream?.close();
      },
      cut: () => stream?.error(new Error("the answer was cut")),
      failed(refusal) {
        if (begun) stream?.error(new Error(refusal.message));
        else refuse(refusal);
      },
    });
    if (asking instanceof Refusal) refuse(asking);
    else asking.start();
  });
}
