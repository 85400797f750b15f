/** @jsxImportSource hono/jsx */
/** `GET /about`: which release this is, how it is, and whose work is in it. */

import { BUILD, VERSION } from "../../../../common/version.ts";
import type { HubStatus } from "../../../hub.ts";
import type { Licence } from "../../assets/index.ts";
import { reachOf, type WebApp } from "../../site/index.ts";
import { count } from "../../view/index.ts";
import { type Frame, frameOf, type PageParts, show } from "../frame/index.ts";
import { Copy, Facts, Layout, Since } from "../parts/index.ts";

export function addAbout(app: WebApp, parts: PageParts): void {
  app.get("/about", async (context) => {
    const reach = reachOf(context);
    const hub = reach.has("hub") ? await reach.status() : undefined;
    const { licences } = parts.assets;
    return show(
      context,
      <About frame={frameOf(context, parts)} hub={hub} licences={licences} now={parts.wall()} />,
    );
  });
}

interface AboutProps {
  frame: Frame;
  /** Undefined: the reader may not know. */
  hub: HubStatus["hub"] | undefined;
  licences: readonly Licence[];
  now: number;
}

export function About({ frame, hub, licences, now }: AboutProps) {
  return (
    <Layout frame={frame} title="About" at="/about" narrow>
      <div class="head">
        <h1>About this hub</h1>
      </div>
      <section class="block" aria-labelledby="hub-title">
        <h2 id="hub-title">Farsite</h2>
        <Facts
          facts={[
            ["Release", hub ? BUILD : VERSION],
            ["Licence", "Apache-2.0"],
            ["Agents connect to", hub && <Copy text={hub.url} label="the address" />],
            ["Public key", hub && <Copy text={hub.key} label="the public key" />],
            ["Running", hub && <Since at={hub.since} now={now} />],
            [
              "Sites",
              hub && `${count(hub.sites)}, ${count(hub.connected)} connected, ${count(hub.online)} online`,
            ],
            ["Open files", hub?.files && `${count(hub.files.open)} of ${count(hub.files.limit)}`],
          ]}
        />
      </section>
      <section class="block" aria-labelledby="licences-title">
        <h2 id="licences-title">Made with</h2>
        <table>
          <thead>
            <tr>
              <th scope="col">Package</th>
              <th scope="col">Release</th>
              <th scope="col">Licence</th>
            </tr>
          </thead>
          <tbody>
            {licences.map(({ name, version, licence }) => (
              <tr>
                <th scope="row">{name}</th>
                <td>{version}</td>
                <td>{licence}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p class="hint">Their texts are in the file copyright of the package.</p>
      </section>
    </Layout>
  );
}
