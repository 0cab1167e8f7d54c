// The severity that a pattern's own words tell.

export type Severity = 'Error' | 'Warning' | 'Info' | 'Debug' | 'None';

const SEVERITIES: readonly [RegExp, Severity][] = [
  [
    /\b(fatal|critical|crit|severe|emerg|panic|error|err|exception|failure|failed|fail)\b|(?:exception|error)\b/i,
    'Error',
  ],
  [/\b(warn|warning)\b/i, 'Warning'],
  [/\b(info|notice)\b/i, 'Info'],
  [/\b(debug|trace|fine|finer|finest|verbose)\b/i, 'Debug'],
];
const LEVEL = /\b(FATAL|CRITICAL|SEVERE|ERROR|ERR|WARN|WARNING|INFO|NOTICE|DEBUG|TRACE)\b/;

/** A level word in capitals decides before words of the text: `INFO request failed` is Info. */
export function severityOf(pattern: string): Severity {
  const level = LEVEL.exec(pattern)?.[0];
  const subject = level ?? pattern;
  return SEVERITIES.find(([words]) => words.test(subject))?.[1] ?? 'None';
}
