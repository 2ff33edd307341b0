/** One thing that can be set by a file, the environment or a flag. */
export type Setting =
  | { readonly kind: "text" | "list" | "map" | "flag"; readonly doc: string; readonly byDefault: string }
  | { readonly kind: "number"; readonly whole: boolean; readonly least: number; readonly doc: string; readonly byDefault: string }
  | { readonly kind: "choice"; readonly of: readonly string[]; readonly doc: string; readonly byDefault: string };

/** Settings by name, in groups. */
export interface SettingTree {
  readonly [name: string]: Setting | SettingTree;
}

type ValueOf<S> = S extends { readonly kind: "choice"; readonly of: readonly (infer C)[] }
  ? C
  : S extends { readonly kind: "number" }
    ? number
    : S extends { readonly kind: "flag" }
      ? boolean
      : S extends { readonly kind: "list" }
        ? readonly string[]
        : S extends { readonly kind: "map" }
          ? Readonly<Record<string, string>>
          : string;

/** Some values for a tree. */
export type SettingsOf<T> = {
  readonly [K in keyof T]?: T[K] extends { readonly doc: string } ? ValueOf<T[K]> : SettingsOf<T[K]>;
};

export const text = (doc: string, byDefault = "none"): { readonly kind: "text"; doc: string; byDefault: string } => ({
  ...{ kind: "text", doc, byDefault },
});

/** Texts, with a comma between where they come in one. */
export const list = (doc: string, byDefault = "none"): { readonly kind: "list"; doc: string; byDefault: string } => ({
  ...{ kind: "list", doc, byDefault },
});

/** Texts by names, as "region=eu,zone=b" where they come in one. */
export const map = (doc: string, byDefault = "none"): { readonly kind: "map"; doc: string; byDefault: string } => ({
  ...{ kind: "map", doc, byDefault },
});

export const flag = (doc: string, byDefault: boolean): { readonly kind: "flag"; doc: string; byDefault: string } => ({
  ...{ kind: "flag", doc, byDefault: `${byDefault}` },
});

type NumberSetting = Extract<Setting, { readonly kind: "number" }>;

export const whole = (doc: string, byDefault: number | string, least = 1): NumberSetting => ({
  ...{ kind: "number", whole: true, least, doc, byDefault: typeof byDefault === "number" ? inGroups(byDefault) : byDefault },
});

export const share = (doc: string, byDefault: number): NumberSetting => ({
  ...{ kind: "number", whole: false, least: 0, doc, byDefault: `${byDefault}` },
});

export const choice = <const C extends string>(
  of: readonly C[],
  doc: string,
  byDefault: NoInfer<C>,
): { readonly kind: "choice"; readonly of: readonly C[]; readonly doc: string; readonly byDefault: string } => ({
  ...{ kind: "choice", of, doc, byDefault },
});

export function isSetting(of: Setting | SettingTree): of is Setting {
  return typeof of["doc"] === "string";
}

/** Every setting of a tree by its whole name, as "limits.connections". */
export function* settingsIn(tree: SettingTree, before = ""): Iterable<readonly [key: string, setting: Setting]> {
  for (const [name, of] of Object.entries(tree)) {
    if (isSetting(of)) yield [before + name, of];
    else yield* settingsIn(of, `${before}${name}.`);
  }
}

function inGroups(value: number): string {
  return value.toLocaleString("en-US");
}
