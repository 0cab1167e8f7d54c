// What `brume start` shows once it is healthy: a few lines for people, one line for pipes and logs.

import { styleText } from 'node:util';

export interface BannerFacts {
  version: string;
  endpoint: string;
  /** Directory, or undefined in memory. */
  dataDir: string | undefined;
  isolation: string;
  virtualClock: boolean;
  testing: boolean;
  signed: boolean;
  startMs: number;
}

export function banner(facts: BannerFacts, stream: NodeJS.WriteStream): string {
  if (!stream.isTTY) return plainBanner(facts);
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream });
  const line = (name: string, value: string, note = '') =>
    `  ${paint('dim', name.padEnd(10))} ${value}${note === '' ? '' : paint('dim', `  ${note}`)}`;
  const modes = modesOf(facts);
  return [
    '',
    `  ${paint(['bold', 'cyan'], 'Brume')} ${paint('dim', facts.version)}  ${paint('green', `healthy in ${facts.startMs} ms`)}`,
    '',
    line('Endpoint', paint('bold', facts.endpoint), facts.signed ? 'signatures are verified' : 'any credentials'),
    facts.dataDir === undefined ? line('Data', 'in memory', 'gone at the end') : line('Data', facts.dataDir, 'durable'),
    line('Functions', facts.isolation),
    ...(modes.length === 0 ? [] : [line('Mode', modes.join(', '))]),
    '',
    `  ${paint('cyan', `export AWS_ENDPOINT_URL=${facts.endpoint}`)}`,
    '',
    paint('dim', '  Ctrl-C stops it.'),
    '',
  ].join('\n');
}

function plainBanner(facts: BannerFacts): string {
  const details = [
    facts.dataDir === undefined ? 'data in memory' : `data in ${facts.dataDir}`,
    `functions: ${facts.isolation}`,
    ...modesOf(facts),
    `healthy in ${facts.startMs} ms`,
  ];
  return `Brume ${facts.version} listens on ${facts.endpoint} (${details.join('; ')})`;
}

function modesOf(facts: BannerFacts): string[] {
  return [...(facts.virtualClock ? ['virtual clock'] : []), ...(facts.testing ? ['testing'] : [])];
}
