export { REGISTRY_FILE } from "./records.ts";
export { serve } from "./serve.ts";
