export { keepAges } from "./ages.ts";
export { showChanges } from "./choose.ts";
export { offerCopies } from "./copy.ts";
export { Refresh } from "./refresh.ts";
