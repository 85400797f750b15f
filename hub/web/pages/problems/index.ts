export { problemChoice, problemPath } from "./choice.ts";
export { addProblems } from "./route.tsx";
