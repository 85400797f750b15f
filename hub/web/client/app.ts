/** The script of every page. All pages can be read and used without it; with it they are live. */
import { Live } from "./live/index.ts";
import { keepAges, offerCopies, Refresh, showChanges } from "./page/index.ts";
import { SitesTable } from "./sites/index.ts";

document.documentElement.classList.add("scripted");
offerCopies(document);
keepAges(document);
showChanges(document);

const { live, source } = document.body.dataset;
if (live !== undefined) {
  const refresh = new Refresh(() => source ?? location.href);
  const overview = document.getElementById("overview");
  const sites = overview ? new SitesTable(overview, () => refresh.soon()) : undefined;
  // what the overview shows is told row by row; other pages are asked for again
  const changed = () => refresh.soon();
  new Live({
    address: live,
    status: document.getElementById("live"),
    bubble: document.getElementById("unhandled"),
    sites: (change) => (sites ? sites.change(change) : changed()),
    problems: () => {
      if (!sites) changed();
    },
    begun: () => {
      if (!sites) changed();
    },
    resync: () => refresh.now(),
  }).start();
}
