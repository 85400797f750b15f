export { Records } from "./page.tsx";
export { addAudit } from "./route.tsx";
