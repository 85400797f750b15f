/**
 * The carrier over plain HTTPS requests, for lines on which WebSockets do not get through: what both sides must
 * agree on. All requests are POST, small and whole, so that they pass what buffers, checks or repeats them.
 *
 *   open   the hub makes a carrier and names it (CARRIER_HEADER of the answer)
 *   up     a batch of messages from the agent; answered at once
 *   down   answered with a batch of messages from the hub as soon as there is one, or an empty one after HOLD
 *   close  the agent's last batch: the carrier ends behind it
 *
 * Batches are numbered from 0 in each direction (NUMBER_HEADER), because requests overtake each other on their
 * connections, and because a request whose answer got lost is sent again with its number.
 */
export const PATHS = {
  open: "/tunnel/open",
  up: "/tunnel/up",
  down: "/tunnel/down",
  close: "/tunnel/close",
} as const;

/** A carrier's name, CARRIER_ID_BYTES in hexadecimal: to route requests, not to prove anything. */
export const CARRIER_HEADER = "farsite-carrier";
/** A batch's number; an answer bears the number of its request, so that no cache can pass for the hub. */
export const NUMBER_HEADER = "farsite-number";
export const CONTENT_TYPE = "application/octet-stream";

/** The name is no secret that anything rests on, but who guesses it could cut a carrier: 128 bits. */
export const CARRIER_ID_BYTES = 16;

/**
 * Batches of one direction that may be under way at once; the agent has so many requests for messages open,
 * always. One more would save little on long lines, and each holds a connection: 6 are what browsers open, too.
 */
export const WINDOW = 3;

/** Largest body of a batch, in bytes: a quarter of what reverse proxies take by default (nginx: 1 MiB). */
export const MAX_BATCH = 256 << 10;
/** The same until the handshake is over: two of its messages at most (protocol.md, section 2). */
export const MAX_FIRST_BATCH = 8 << 10;
/** Length of the number in front of each message of a batch. */
export const PREFIX_BYTES = 2;
/** ms for which the hub holds a request for messages: proxies on the way give up after 30 s or more. */
export const HOLD = 20_000;

/** On an answer that refuses: the hub's own error code, so that nothing on the way can pass for the hub. */
export const ERROR_HEADER = "farsite-error";
