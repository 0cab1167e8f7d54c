// Alarms: evaluation on the clock. The service keeps the documents; this engine decides states.

export interface AlarmEngine {
  start(): Promise<void>;
  stop(): Promise<void>;
  reset(): Promise<void>;
}
