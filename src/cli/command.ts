/** One thing that nano-cli does. */
export interface Command {
  /** As it is called: "registry". */
  readonly name: string;
  /** All that there is to know of it, for `--help`. */
  readonly help: string;
  /**
   * Does it. Gives the exit code.
   *
   * @throws CommandError Where it cannot, for a reason that whoever called it can do something about.
   */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** A command that is only loaded when it is called: `--help` must not wait for what it does not need. */
export interface CommandEntry {
  /** As it is called: "registry". */
  readonly name: string;
  /** What it does, on one line. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** What a command sees of the world that it was called from. */
export interface Terminal {
  /** Writes a line for whoever called. */
  print(line: string): void;
  /** Aborts when the process is told to end. */
  readonly interrupted: AbortSignal;
}

/** Why a command does not do what it was called for. Its message is all that is printed. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
