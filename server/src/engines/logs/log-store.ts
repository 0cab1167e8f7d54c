// Logs: groups, streams and their events, with what hangs on ingestion (metric filters, live tail).

export interface LogScope {
  account: string;
  region: string;
}

export interface LogEventInput {
  timestamp: number;
  message: string;
}

export interface LogStore {
  /**
   * Appends events for Brume's own services (Lambda, …), creating group and stream when they are missing.
   * Resolves once durable.
   */
  appendFromService(scope: LogScope, group: string, stream: string, events: readonly LogEventInput[]): Promise<void>;
}
