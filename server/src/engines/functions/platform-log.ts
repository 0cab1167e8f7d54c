// What Lambda itself tells about an environment: the lines of the text format (START, REPORT, EXTENSION), or the platform events
// of the JSON format by their level, and the same events for extensions that subscribed to telemetry.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

import type { FunctionVersion } from './function-engine.ts';
import { type LogLevel, severity } from './log-level.ts';
import {
  endLine,
  extensionLine,
  initReportLine,
  initStartLine,
  type Report,
  reportLine,
  startLine,
  subscriptionLine,
} from './report-lines.ts';

export type PlatformEvent =
  | 'initStart'
  | 'initRuntimeDone'
  | 'initReport'
  | 'start'
  | 'runtimeDone'
  | 'report'
  | 'extension'
  | 'telemetrySubscription'
  | 'logsSubscription'
  | 'logsDropped'
  | 'fault';

/** Takes events besides the log: what subscribed to telemetry. */
export interface EventSink {
  platform(timeMs: number, event: PlatformEvent, record: unknown): void;
}

export interface PlatformLogOptions {
  version: FunctionVersion;
  now(): number;
  /** Into the log stream, as one message. */
  write(message: string): void;
}

export type Phase = 'init' | 'invoke';
export type Status = NonNullable<Report['status']>;

export interface RuntimeDone {
  requestId: string;
  status: Status | undefined;
  durationMs: number;
  /** When the runtime began, and began and ended to answer; on the clock of the services. */
  startMs: number;
  responseLatencyMs: number;
  responseDurationMs: number;
  producedBytes: number;
  traceHeader: string | undefined;
  tenantId: string | undefined;
}

export class PlatformLog {
  readonly #options: PlatformLogOptions;
  readonly #isJson: boolean;
  readonly #leastSeverity: number;
  /** There only where somebody subscribed. */
  sink: EventSink | undefined;

  constructor(options: PlatformLogOptions) {
    this.#options = options;
    const { logging } = options.version;
    this.#isJson = logging?.format === 'JSON';
    this.#leastSeverity = severity(logging?.systemLevel ?? 'INFO');
  }

  initStart(phase: Phase, runtimeVersion: string, runtimeVersionArn: string): void {
    if (!this.#isJson) this.#options.write(initStartLine(runtimeVersion, runtimeVersionArn));
    if (!this.tells) return;
    const { functionName, version } = this.#options.version;
    this.#tell('INFO', 'initStart', {
      initializationType: this.#initializationType,
      phase,
      runtimeVersion,
      runtimeVersionArn,
      functionName,
      functionVersion: version,
    });
  }

  initRuntimeDone(phase: Phase, status: Status | undefined): void {
    if (!this.tells) return;
    this.#tell(status ? 'WARN' : 'DEBUG', 'initRuntimeDone', {
      initializationType: this.#initializationType,
      phase,
      ...statusFields(status),
    });
  }

  /** In the text format only failures are told. */
  initReport(phase: Phase, durationMs: number, status: Status | undefined): void {
    if (!this.#isJson && status) this.#options.write(initReportLine(durationMs, phase, status));
    if (!this.tells) return;
    const level = status ? 'WARN' : this.#initializationType === 'on-demand' ? 'DEBUG' : 'INFO';
    this.#tell(level, 'initReport', {
      initializationType: this.#initializationType,
      phase,
      ...statusFields(status),
      metrics: { durationMs: hundredths(durationMs) },
    });
  }

  start(requestId: string, traceHeader: string | undefined, tenantId: string | undefined): void {
    const { version } = this.#options.version;
    if (!this.#isJson) this.#options.write(startLine(requestId, version));
    if (this.tells) this.#tell('INFO', 'start', { requestId, version, ...tracing(traceHeader), ...tenant(tenantId) });
  }

  runtimeDone(done: RuntimeDone): void {
    if (!this.tells) return;
    const { requestId, status, durationMs, startMs, responseLatencyMs, responseDurationMs, producedBytes } = done;
    const span = (name: string, fromMs: number, ms: number) => ({
      name,
      start: new Date(startMs + fromMs).toISOString(),
      durationMs: hundredths(ms),
    });
    this.#tell(status ? 'WARN' : 'DEBUG', 'runtimeDone', {
      requestId,
      ...statusFields(status),
      ...tracing(done.traceHeader),
      ...tenant(done.tenantId),
      spans: [
        span('responseLatency', 0, responseLatencyMs),
        span('responseDuration', responseLatencyMs, responseDurationMs),
        span('runtimeOverhead', responseLatencyMs + responseDurationMs, 0),
      ],
      metrics: { durationMs: hundredths(durationMs), producedBytes },
    });
  }

  /** What the log of an invocation ends with. */
  report(report: Report): void {
    if (!this.#isJson) {
      this.#options.write(endLine(report.requestId));
      this.#options.write(reportLine(report));
    }
    if (!this.tells) return;
    const { requestId, status, durationMs, billedDurationMs, memoryMb, maxMemoryUsedMb, initDurationMs } = report;
    this.#tell(status ? 'WARN' : 'INFO', 'report', {
      requestId,
      metrics: {
        durationMs: hundredths(durationMs),
        billedDurationMs,
        memorySizeMB: memoryMb,
        maxMemoryUsedMB: maxMemoryUsedMb,
        ...(initDurationMs === undefined ? {} : { initDurationMs: hundredths(initDurationMs) }),
      },
      ...tracing(report.traceHeader),
      ...tenant(report.tenantId),
      ...statusFields(status),
    });
  }

  extension(name: string, state: string, events: readonly string[], errorType?: string): void {
    if (!this.#isJson) this.#options.write(extensionLine(name, state, events, errorType));
    if (!this.tells) return;
    const record = { name, state, events, ...(errorType === undefined ? {} : { errorType }) };
    this.#tell(errorType === undefined ? 'INFO' : 'WARN', 'extension', record);
  }

  subscription(event: 'telemetrySubscription' | 'logsSubscription', name: string, types: readonly string[]): void {
    const word = event === 'telemetrySubscription' ? 'TELEMETRY' : 'LOGS';
    if (!this.#isJson) this.#options.write(subscriptionLine(word, name, types));
    if (this.tells) this.#tell('INFO', event, { name, state: 'Subscribed', types });
  }

  logsDropped(droppedRecords: number, droppedBytes: number, reason: string): void {
    if (this.tells) this.#tell('WARN', 'logsDropped', { reason, droppedRecords, droppedBytes });
  }

  /** Why a runtime or an extension ended, in words. */
  fault(message: string): void {
    if (!this.#isJson) this.#options.write(`${message}\n`);
    if (this.tells) this.#tell('WARN', 'fault', message);
  }

  /** What Brume has to say; AWS has no such thing. */
  notice(message: string): void {
    if (!this.#isJson) this.#options.write(`${message}\n`);
    else {
      const timestamp = new Date(this.#options.now()).toISOString();
      this.#options.write(`${JSON.stringify({ timestamp, level: 'WARN', message })}\n`);
    }
  }

  /** Whether anybody wants the events that have no line, so that none is made for nothing. */
  get tells(): boolean {
    return this.#isJson || this.sink !== undefined;
  }

  get #initializationType(): string {
    return this.#options.version.initializationType ?? 'on-demand';
  }

  #tell(level: LogLevel, event: PlatformEvent, record: unknown): void {
    const timeMs = this.#options.now();
    this.sink?.platform(timeMs, event, record);
    if (!this.#isJson || severity(level) < this.#leastSeverity) return;
    const time = new Date(timeMs).toISOString();
    this.#options.write(`${JSON.stringify({ time, type: `platform.${event}`, record })}\n`);
  }
}

function statusFields(status: Status | undefined): { status: string; errorType?: string } {
  if (!status) return { status: 'success' };
  return status.state === 'timeout' ? { status: 'timeout' } : { status: 'error', errorType: status.errorType };
}

function tracing(traceHeader: string | undefined): object {
  if (traceHeader === undefined) return {};
  const spanId = /Parent=([0-9a-f]{16})/.exec(traceHeader)?.[1];
  const value = { type: 'X-Amzn-Trace-Id', value: traceHeader };
  return { tracing: spanId === undefined ? value : { spanId, ...value } };
}

function tenant(tenantId: string | undefined): object {
  return tenantId === undefined ? {} : { tenantId };
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
