export { type LoadedSettings, loadSettings, type SettingsSources } from "./load-settings.ts";
export { environmentName } from "./read-settings.ts";
export { type Setting, settingsIn } from "./setting.ts";
export { SettingsError } from "./settings-error.ts";
export { type Settings, settingTree } from "./tree.ts";
export { withSettings } from "./with-settings.ts";
