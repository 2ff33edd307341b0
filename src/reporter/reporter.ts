import type { Sample } from "../metrics/index.ts";

/** What a reporter needs of the server that it reports on. */
export interface ReporterHost {
  /** The server's id. */
  readonly id: string;
  /** Everything that was counted, as it stands. */
  read(): Iterable<Sample>;
  /** Calls again and again until the reporter is stopped. */
  every(periodMs: number, call: () => void): void;
  /** Says what went wrong, in the server's log. What goes wrong again and again is said once a minute. */
  failed(reason: unknown): void;
}

/** Something to be read over the server's HTTP endpoint. */
export interface ReporterPage {
  /** As "/metrics". */
  readonly path: string;
  /** Its content type and text, made when somebody asks. Over 5 s there is no answer. */
  read(): Promise<{ readonly type: string; readonly text: string }>;
}

/** Takes out what was counted. It reads when it likes; nobody calls it per message. */
export interface Reporter {
  /** For logs. */
  readonly name: string;
  /** Absent: it has none, and goes out by itself. */
  readonly page?: ReporterPage;
  /** Called when the server starts. What it throws ends the start, as does taking over 10 s. */
  start(host: ReporterHost): void | Promise<void>;
  /** Called when the server has ended: a last chance to tell, for at most 5 s. */
  stop(): void | Promise<void>;
}
