/** One operation of the API: what it takes, what it answers, who may, and what it does. Server and document are made of it. */

import { z } from "zod";
import type { Reach, Right } from "../../../access/index.ts";
import type { WebContext } from "../../site/index.ts";

/** Errors of one operation that do not follow from its shape. */
export type Failing = 400 | 404 | 409 | 502;

export interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
}

/** What of an operation the document tells. */
export interface Described {
  method: "get" | "post" | "put" | "delete";
  /** Below the API's own, parameters in braces. */
  path: string;
  /** Name of the operation: what generated clients call it. */
  id: string;
  tag: string;
  summary: string;
  description?: string;
  /** What the caller needs, on top of being logged in. Told here; demanded by the Reach. */
  right?: Right;
  fails?: readonly Failing[];
  /** 204 without `answer`. */
  status?: 200 | 201;
  /** Of the answer: JSON unless it says otherwise. */
  type?: string;
  /** The answer is a page of a list: it has `next`, and a header `Link`. */
  paged?: boolean;
}

interface Shaped<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>
  extends Described {
  params?: P;
  query?: Q;
  body?: B;
  answer?: A;
  /** Gives what is answered, or the answer itself. */
  handle(input: Input<P, Q, B>, reach: Reach, context: WebContext): Promise<z.input<A> | Response>;
}

/** One whose types are forgotten. */
export interface Route extends Described {
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType | undefined;
  answer: z.ZodType | undefined;
  handle(input: Input<z.ZodType, z.ZodType, z.ZodType>, reach: Reach, context: WebContext): Promise<unknown>;
}

type Nothing = z.ZodObject<Record<never, never>>;
const nothing = z.strictObject({});

/** Checks that an operation does as it says. */
export function route<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodVoid,
>({ params, query, body, answer, handle, ...described }: Shaped<P, Q, B, A>): Route {
  return {
    ...described,
    params: params ?? nothing,
    query: query ?? nothing,
    body,
    answer,
    handle: (input, reach, context) => handle(input as Input<P, Q, B>, reach, context),
  };
}
