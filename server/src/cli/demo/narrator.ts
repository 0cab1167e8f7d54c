// What the demo prints: sections, steps with how long each took, and lines that arrive meanwhile.

import { styleText } from 'node:util';

export interface Narrator {
  section(title: string): void;
  /** Runs `work` and prints its result (or `text` when it gives none) with the time it took. */
  step<T>(text: string | ((result: T) => string), work: () => Promise<T>): Promise<T>;
  /** A line from elsewhere: a function's log, a message. */
  quote(source: string, line: string): void;
  note(text: string): void;
  /** A command for the reader to run. */
  command(text: string): void;
}

const TIME_WIDTH = 9;
/** Longer lines are cut, so that the demo reads as a list; a terminal may be narrower. */
const LONGEST_LINE = 160;

export function createNarrator(stream: NodeJS.WriteStream): Narrator {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream });
  const write = (line: string) => stream.write(`${line}\n`);
  return {
    section: (title) => write(`\n${paint('bold', title)}`),
    async step(text, work) {
      const before = performance.now();
      const result = await work();
      const time = showTime(performance.now() - before).padStart(TIME_WIDTH);
      write(`${paint('dim', time)}  ${paint('green', '✓')} ${typeof text === 'string' ? text : text(result)}`);
      return result;
    },
    quote(source, line) {
      const room = Math.min(stream.columns ?? LONGEST_LINE, LONGEST_LINE) - TIME_WIDTH - source.length - 5;
      const flat = line.replaceAll(/\s*\n\s*|\t/g, '  ');
      const short = flat.length > room ? `${flat.slice(0, room - 1)}…` : flat;
      const style = /\bERROR\b/.test(line) ? 'red' : /^(START|END|REPORT|INIT_START)\b/.test(line) ? 'dim' : 'reset';
      write(`${' '.repeat(TIME_WIDTH)}  ${paint('cyan', `│ ${source}`)} ${paint(style, short)}`);
    },
    note: (text) => write(`${' '.repeat(TIME_WIDTH)}    ${text}`),
    command: (text) => write(`    ${paint('cyan', text)}`),
  };
}

function showTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
