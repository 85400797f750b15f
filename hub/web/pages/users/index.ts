export { addUsers } from "./route.tsx";
