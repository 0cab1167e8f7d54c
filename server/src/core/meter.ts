// How the services watch themselves: every service records the metrics that AWS documents for it.
// The metrics engine aggregates what is recorded and stores it once a minute under its account and region.

export interface Meter {
  record(scope: { account: string; region: string }, sample: MeterSample): void;
}

export interface MeterSample {
  namespace: string;
  metricName: string;
  /** Each entry is one set of dimensions under which the value is kept ([{}] for none). */
  dimensions: Record<string, string>[];
  value: number;
  unit: string;
}

export const NO_METER: Meter = { record: () => {} };
