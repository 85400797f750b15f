export { addCheckmkCheck } from "./checkmk-check.ts";
export { addDetect } from "./detect.ts";
export { addDoctor } from "./doctor.ts";
export { addEnroll } from "./enroll.ts";
export { addKey } from "./key.ts";
export { addRun } from "./run.ts";
export { addServices } from "./services.ts";
export { addStatus } from "./status.ts";
