export { createKnownChecks, type KnownCheck, type KnownChecks } from "./known-checks.ts";
export { loadRulesLibrary } from "./library.ts";
export { createValidation, type Validation } from "./validation.ts";
