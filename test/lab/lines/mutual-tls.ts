/** Certificates for a line on which both ends show one. */
import { type CertificateFiles, makeAuthority } from "../../e2e/certificates.ts";

export interface MutualTls {
  /** The authority of both (PEM file). */
  authority: string;
  server: CertificateFiles;
  client: CertificateFiles;
}

/** Makes them in `folder`; the server is `localhost`. */
export async function makeMutualTls(folder: string): Promise<MutualTls> {
  const authority = await makeAuthority(folder);
  return {
    authority: authority.file,
    server: await authority.issue("server", { host: "localhost" }),
    client: await authority.issue("client", { host: "central" }),
  };
}
