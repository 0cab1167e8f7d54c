// Metrics: the registry of (namespace, name, dimensions) and their points. The rest of this engine stands beside.

export interface MetricScope {
  account: string;
  region: string;
}

export interface MetricDatumInput {
  metricName: string;
  dimensions: Record<string, string>;
  timestampMs: number;
  unit?: string;
  /** 1 for high resolution, 60 otherwise. */
  storageResolution?: number;
  data:
    | { kind: 'values'; values: readonly number[]; counts?: readonly number[] }
    | { kind: 'statistics'; sampleCount: number; sum: number; minimum: number; maximum: number };
}

export interface MetricStore {
  /** Stores data already validated; resolves once durable. */
  put(scope: MetricScope, namespace: string, data: readonly MetricDatumInput[]): Promise<void>;
}
