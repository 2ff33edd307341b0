/** A typed name. */
export interface ContextKey<T> {
  readonly name: string;
  readonly "~value"?: T;
}

/** Makes a typed name. Two keys of one name are two keys. */
export function contextKey<T>(name: string): ContextKey<T> {
  return { name };
}

/** Values by typed names. */
export interface ContextValues {
  get<T>(key: ContextKey<T>): T | undefined;
  set<T>(key: ContextKey<T>, value: NoInfer<T>): void;
  delete(key: ContextKey<unknown>): void;
}

/** Values that live as long as what holds them. */
export function createContextValues(): ContextValues {
  return new OwnValues();
}

class OwnValues implements ContextValues {
  readonly #values = new Map<ContextKey<unknown>, unknown>();

  get<T>(key: ContextKey<T>): T | undefined {
    // Only `set` fills the map, and it takes the key's type.
    return this.#values.get(key) as T | undefined;
  }

  set<T>(key: ContextKey<T>, value: NoInfer<T>): void {
    this.#values.set(key, value);
  }

  delete(key: ContextKey<unknown>): void {
    this.#values.delete(key);
  }
}
