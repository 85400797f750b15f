export { type Assigned, assign, unassigned } from "./assign.ts";
export { type Enrolment, findEnrolments, readEnrolments } from "./enrolments.ts";
export { type Place, placeFor, refuseUnknown, type Wishes } from "./place.ts";
