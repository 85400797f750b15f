/** Queries over many sites, for the command line. */

import { Hono } from "hono";
import { z } from "zod";
import { FarsiteError } from "../../../common/errors.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import type { View } from "../../livestatus/federation/index.ts";

const queryRequest = z.strictObject({ tenant: z.string().optional(), query: z.string() });

/** What the answer is in, whatever the query says. */
const FORM = "OutputFormat: wrapped_json\nColumnHeaders: on";
/** Bytes that wait for who has asked. */
const HIGH_WATER = 64 << 10;

/**
 * @param view of a tenant or, undefined, of all
 * @param check throws when there is no such tenant
 */
export function queryApp(
  view: (tenant: string | undefined) => View,
  check: (tenant: string) => Promise<unknown>,
): Hono {
  const app = new Hono();
  app.post("/query", async (context) => {
    const { data } = queryRequest.safeParse(await context.req.json().catch(() => undefined));
    if (!data) throw new FarsiteError("E_USAGE", "the request to the admin socket is malformed");
    if (data.tenant !== undefined) await check(data.tenant);
    const body = await answer(view(data.tenant), `${data.query}\n${FORM}`);
    return new Response(body, { headers: { "content-type": "application/json" } });
  });
  return app;
}

/** Resolves when the answer begins. @throws E_QUERY there is none */
function answer(view: View, text: string): Promise<ReadableStream> {
  return new Promise((resolve, reject) => {
    let owed = 0;
    let begun = false;
    const refuse = ({ message }: Refusal) => reject(new FarsiteError("E_QUERY", message));
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
    const asking = view.query(text, "admin socket", {
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
