export { addAccount } from "./route.tsx";
