// Log levels: what of a function's log is kept, by its LoggingConfig.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

export interface Logging {
  format: 'Text' | 'JSON';
  /** Only with JSON; INFO by default. */
  applicationLevel?: LogLevel;
  systemLevel?: 'DEBUG' | 'INFO' | 'WARN';
}

export type LogLevel = (typeof LOG_LEVELS)[number];

/** From the most to the least detailed. */
export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
export const SYSTEM_LOG_LEVELS = ['DEBUG', 'INFO', 'WARN'] as const;

/** As some libraries name them. */
const ALIASES: Readonly<Record<string, LogLevel>> = { WARNING: 'WARN', CRITICAL: 'FATAL' };
const INFO = LOG_LEVELS.indexOf('INFO');

/** 0 for TRACE. */
export function severity(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

/** Of a line that a function printed: what it says when it is JSON with a level, else INFO. */
export function severityOfLine(line: string): number {
  if (!line.startsWith('{')) return INFO;
  try {
    const { level } = JSON.parse(line) as { level?: unknown };
    const name = String(level).toUpperCase();
    const found = LOG_LEVELS.indexOf((ALIASES[name] ?? name) as LogLevel);
    return found < 0 ? INFO : found;
  } catch {
    return INFO;
  }
}
