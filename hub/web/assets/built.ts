/** Everything that is made when the program is. Loaded only by a hub that has a web interface. */
import { bundle } from "./bundle.ts" with { type: "macro" };
import { licences } from "./licences.ts" with { type: "macro" };

export const BUILT = bundle();
export const LICENCES = licences();
