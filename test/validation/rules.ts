import { implement, type Service } from "nano-rpc";
import { RulesAdminRemote, RulesHandler } from "../schema/gen/rules/v1/rules_nano.ts";

/** What handlers were asked, after all checks. */
export interface Asked {
  readonly routes: string[];
}

/** Answers whatever passes. */
export function rulesServices(): { readonly services: readonly Service[]; readonly asked: Asked } {
  const asked: Asked = { routes: [] };
  const note = (route: string) => () => {
    asked.routes.push(route);
    return {};
  };
  const rules = implement(RulesHandler, {
    ask: note("ask"),
    claim: note("claim"),
    mail: note("mail"),
    divide: note("divide"),
    free: note("free"),
    tell: () => void asked.routes.push("tell"),
    every: note("every"),
  });
  const admin = implement(RulesAdminRemote, { count: note("count") });
  return { services: [rules, admin], asked };
}
