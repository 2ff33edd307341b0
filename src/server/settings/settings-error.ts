/** A setting that is none, or whose value makes no sense. The message names where it stands. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  /** As "limits.connections". */
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}
