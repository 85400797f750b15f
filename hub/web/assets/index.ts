export { ASSETS_PATH, type Assets, accepts, assetsOf, loadAssets } from "./assets.ts";
export { bundledFiles } from "./bundle.ts";
export type { Licence } from "./licences.ts";
