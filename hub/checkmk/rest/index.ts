export { centralUrl, checkedUser, readSecret, SECRET_VARIABLE, withoutProxy } from "./access.ts";
export { apply, type Ledger, type Made, type Outcome } from "./apply.ts";
export { Central } from "./central.ts";
