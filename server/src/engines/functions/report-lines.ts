// The lines that Lambda itself writes to a function's log.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

export interface Report {
  requestId: string;
  durationMs: number;
  billedDurationMs: number;
  memoryMb: number;
  maxMemoryUsedMb: number;
  initDurationMs?: number;
  traceHeader?: string;
  tenantId?: string;
  /** `timeout`, or `error` with the type. */
  status?: { state: 'timeout' } | { state: 'error'; errorType: string };
}

export function initStartLine(runtimeVersion: string, runtimeVersionArn: string): string {
  return `INIT_START Runtime Version: ${runtimeVersion}\tRuntime Version ARN: ${runtimeVersionArn}\n`;
}

/** Lambda writes it only for an initialization that failed. */
export function initReportLine(
  durationMs: number,
  phase: 'init' | 'invoke',
  status: { state: 'timeout' } | { state: 'error'; errorType: string },
): string {
  return `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: ${phase}\t${statusText(status)}\n`;
}

export function startLine(requestId: string, version: string): string {
  return `START RequestId: ${requestId} Version: ${version}\n`;
}

export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}\n`;
}

export function reportLine(report: Report): string {
  const fields = [
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${report.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${report.billedDurationMs} ms`,
    `Memory Size: ${report.memoryMb} MB`,
    `Max Memory Used: ${report.maxMemoryUsedMb} MB`,
  ];
  if (report.initDurationMs !== undefined) fields.push(`Init Duration: ${report.initDurationMs.toFixed(2)} ms`);
  if (report.status) fields.push(statusText(report.status));
  return `${fields.join('\t')}\t\n${traceLine(report.traceHeader)}`;
}

/** `state` as an extension's own: Ready, Started, …; the kind of its error, if it has one. */
export function extensionLine(name: string, state: string, events: readonly string[], errorType?: string): string {
  const error = errorType === undefined ? '' : `\tError Type: ${errorType}`;
  return `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(', ')}]${error}\n`;
}

export function subscriptionLine(word: 'TELEMETRY' | 'LOGS', name: string, types: readonly string[]): string {
  return `${word}\tName: ${name}\tState: Subscribed\tTypes: [${types.join(', ')}]\n`;
}

/** Sampled invocations name their trace. */
function traceLine(traceHeader: string | undefined): string {
  const root = /Root=([^;]+)/.exec(traceHeader ?? '')?.[1];
  if (root === undefined || !traceHeader!.includes('Sampled=1')) return '';
  return `XRAY TraceId: ${root}\tSampled: true\t\n`;
}

function statusText(status: { state: 'timeout' } | { state: 'error'; errorType: string }): string {
  return status.state === 'timeout' ? 'Status: timeout' : `Status: error\tError Type: ${status.errorType}`;
}

/** Since August 2025 the initialization is billed too. https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/ */
export function billedDurationMs(durationMs: number, initDurationMs = 0): number {
  return Math.ceil(durationMs + initDurationMs);
}

/** `2026/11/23/[$LATEST]0123…`: by the day on which the environment began. */
export function logStreamName(nowMs: number, version: string, randomHex32: string): string {
  return `${new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/')}/[${version}]${randomHex32}`;
}
