export { addSitePage } from "./route.tsx";
