import { environmentName, settingsIn, settingTree } from "../settings/index.ts";

/** What `--help` says: every setting with its flag, its name in the environment, and its default. */
export function settingsHelp(): string {
  const lines = [...settingsIn(settingTree)].flatMap(([key, setting]) => {
    const value =
      setting.kind === "flag" ? "" : setting.kind === "choice" ? ` ${setting.of.join("|")}` : ` ${setting.kind.toUpperCase()}`;
    return [`  --${key}${value}`, `      ${setting.doc} Default: ${setting.byDefault}. ${environmentName(key)}`];
  });
  return [
    "Settings, from nano.config.ts (.js, .mjs, .json), the environment, and flags, each before the one named before it:",
    "",
    "  --config FILE",
    "      Another file than nano.config.*. NANO_CONFIG",
    ...lines,
    "",
  ].join("\n");
}
