export { addOverview } from "./route.tsx";
