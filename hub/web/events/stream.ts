/** One reader's stream of server-sent events (HTML Living Standard, 9.2): at most so much of it waits in the hub. */

/** Bytes that may wait for a slow reader; one answer more comes on top. */
export const HIGH_WATER = 256 << 10;

export interface EventStream {
  readonly body: ReadableStream<Uint8Array>;
  /** More may be sent. */
  ready(): boolean;
  send(text: string): void;
  close(): void;
}

/**
 * @param drained more may be sent again
 * @param gone the reader is not there any more, or `close` was called; once
 */
export function eventStream(drained: () => void, gone: () => void): EventStream {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const end = () => {
    controller = undefined;
    gone();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        if (controller) drained();
      },
      cancel() {
        if (controller) end();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
  );
  return {
    body,
    ready: () => (controller?.desiredSize ?? 0) > 0,
    send: (text) => controller?.enqueue(encoder.encode(text)),
    close() {
      if (!controller) return;
      controller.close();
      end();
    },
  };
}
