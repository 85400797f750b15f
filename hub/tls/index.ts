export {
  daysLeft,
  issue,
  type KeyedCertificate,
  makeAuthority,
  selfSigned,
  vouchesFor,
} from "./certificate.ts";
export {
  CERTIFICATE_FILE,
  hostOf,
  isSameIdentity,
  loadTls,
  readAuthorities,
  readPair,
  type TlsIdentity,
} from "./identity.ts";
export { RenewableServer } from "./renewable.ts";
