export { ASSETS_PATH, type Assets, accepts, assetsOf, loadAssets } from "./assets.ts";
export { type BuiltAsset, bundledFiles } from "./bundle.ts";
export type { Licence } from "./licences.ts";
