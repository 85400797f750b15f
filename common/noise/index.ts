/**
 * The Noise Protocol Framework (revision 34, noiseprotocol.org/noise.html), suite 25519_AESGCM_SHA256:
 * mutual authentication when a carrier opens, encryption of every message on it afterwards.
 */
export { Handshake, type HandshakeOptions } from "./handshake.ts";
export { KEY_BYTES, KeyPair, PublicKey } from "./keys.ts";
export { IK, IKpsk2, type Pattern } from "./pattern.ts";
export {
  DEFAULT_MESSAGE_LIMIT,
  MAX_MESSAGE,
  MAX_PLAINTEXT,
  Transport,
  type TransportOptions,
} from "./transport.ts";
