/**
 * A carrier is one connection between agent and hub that moves whole binary messages, in order, while it
 * lives. Nothing above it knows what it is made of.
 */

/** Largest message a carrier takes or delivers, in bytes: one Noise message (Noise, section 3). */
export const MAX_MESSAGE = 65_535;

export interface CarrierHandlers {
  /** A whole message. The bytes belong to the receiver. */
  message(bytes: Buffer): void;
  /** All that was handed to `send` has left this process's buffers. */
  drain(): void;
  /** Called once, whoever closed; no other handler is called after it. */
  close(reason: string): void;
}

export interface Carrier {
  /** What it is, for the state that people read: `websocket` or `https`. */
  readonly kind: string;
  /** The other end's address as seen here, for logs. */
  readonly peer: string;
  /** Must be called once, at once after the carrier was made; messages that came earlier are kept for it. */
  attach(handlers: CarrierHandlers): void;
  /**
   * Sends one message of at most MAX_MESSAGE bytes. The bytes are the caller's again when it returns. After the
   * carrier closed it does nothing.
   */
  send(message: Uint8Array): void;
  /** Bytes that were sent but still wait in this process. */
  readonly unsent: number;
  /** Ends the carrier in good order, after what was sent. */
  close(reason: string): void;
}
