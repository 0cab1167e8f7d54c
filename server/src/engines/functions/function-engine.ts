// Functions: environments that run a function's code, and the Runtime API they speak.

export interface FunctionEngine {
  /** Runs one invocation in a warm or new environment of this function version. */
  invoke(version: FunctionVersion, invocation: Invocation): Promise<InvocationResult>;
  /** Ends the environments of a version (code or configuration changed, function deleted). */
  retire(versionArn: string): Promise<void>;
  /** Concurrent executions now, of one function or of all. */
  concurrency(functionArn?: string): number;
  stop(): Promise<void>;
  reset(): Promise<void>;
}

/** All that an environment needs to know of a function version. */
export interface FunctionVersion {
  /** With the qualifier: arn:aws:lambda:region:account:function:name:version; environments are pooled by it and `revision`. */
  versionArn: string;
  functionArn: string;
  functionName: string;
  version: string;
  account: string;
  region: string;
  /** Changes with code and configuration. */
  revision: string;
  runtime: string;
  handler: string;
  timeoutS: number;
  memoryMb: number;
  ephemeralStorageMb: number;
  environment: Record<string, string>;
  /** Directory with the unpacked code, read-only for the function. */
  codeDir: string;
  layerDirs: string[];
  /** Credentials of the execution role that the function sees. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
  /** Endpoint under which the function reaches Brume. */
  endpoint: string;
  logGroup: string;
}

export interface Invocation {
  requestId: string;
  payload: Uint8Array;
  /** The ARN as invoked, with alias or version. */
  invokedFunctionArn: string;
  /** Base64 as in X-Amz-Client-Context. */
  clientContext?: string;
  traceHeader?: string;
  signal?: AbortSignal;
}

export interface InvocationResult {
  payload: Uint8Array;
  /** `Unhandled` or `Handled`, absent on success. */
  functionError?: string;
  /** The last 4 KB of the log. */
  logTail: string;
  durationMs: number;
  billedDurationMs: number;
  initDurationMs?: number;
  maxMemoryUsedMb: number;
}

/** No environment could be had within the concurrency limit. */
export class ConcurrencyLimitError extends Error {}
