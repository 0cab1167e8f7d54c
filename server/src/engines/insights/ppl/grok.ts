// grok of PPL as the regular expression that it stands for. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_PPL.html

import { GROK_PATTERNS } from '#engines/log-transforms/grok-patterns.ts';

/** Throws what `unknown` makes of a name that is no pattern. */
export function grokExpression(pattern: string, unknown: (name: string) => Error): string {
  return pattern.replace(/%\{(\w+)(?::(\w+))?\}/g, (_, name: string, field?: string) => {
    const found = GROK_PATTERNS.get(name);
    if (!found) throw unknown(name);
    const expression = found.expression.replace(/\(\?<[\w*]+>/g, '(?:');
    return field === undefined ? `(?:${expression})` : `(?<${field}>${expression})`;
  });
}
