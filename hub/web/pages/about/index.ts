export { addAbout } from "./route.tsx";
