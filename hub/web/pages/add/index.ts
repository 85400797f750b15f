export { TokenPage } from "./page.tsx";
export { addAdd } from "./route.tsx";
