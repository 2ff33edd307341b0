export { loadRulesLibrary } from "./library.ts";
export { createValidation, type Validation } from "./validation.ts";
