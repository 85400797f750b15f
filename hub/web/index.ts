export { adminApp } from "./admin.ts";
