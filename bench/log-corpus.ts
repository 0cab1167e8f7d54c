// Log events as data pipelines write them, the same for the same seed: a third plain text, a third JSON, a third access
// log lines, about 200 bytes each, over a day and in 200 streams.

import { seeded } from '../server/test/seeded-random.ts';

export interface CorpusEvent {
  stream: string;
  timestamp: number;
  message: string;
}

export interface CorpusOptions {
  events: number;
  seed?: number;
}

export const CORPUS_START = Date.UTC(2026, 10, 22);
export const CORPUS_MS = 86_400_000;
/** Stands in one event of so many. */
export const NEEDLE = 'needle-7f3a9c-here';
export const NEEDLE_EVERY = 100_003;
const STREAMS = 200;

const VERBS = ['loaded', 'merged', 'skipped', 'wrote', 'validated', 'compacted'];
const TABLES = ['orders', 'customers', 'clicks', 'invoices', 'shipments', 'sessions', 'stock', 'prices'];
const LEVELS = ['INFO', 'INFO', 'INFO', 'INFO', 'DEBUG', 'WARN', 'ERROR'];
const PATHS = ['/api/v1/orders', '/api/v1/customers', '/health', '/login', '/static/app.js', '/api/v2/search'];
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
  'curl/8.5.0',
  'python-requests/2.32.3',
];

/** In the order of time. */
export function* logCorpus({ events, seed = 1 }: CorpusOptions): Iterable<CorpusEvent> {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = (list: readonly string[]) => list[below(list.length)]!;
  const hex = (digits: number) =>
    Array.from({ length: digits / 8 }, () =>
      Math.floor(random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
  for (let i = 0; i < events; i++) {
    const timestamp = CORPUS_START + Math.floor((i / events) * CORPUS_MS);
    const time = new Date(timestamp).toISOString();
    let message: string;
    switch (i % 3) {
      case 0:
        message =
          `${time} ${pick(LEVELS)} [worker-${below(16)}] ${pick(VERBS)} batch ${i} of table ${pick(TABLES)} in ` +
          `${below(5000)} ms, user=u${below(20_000)}, ${below(100_000)} rows, trace ${hex(16)}, attempt ${1 + below(3)} of 3`;
        break;
      case 1:
        message =
          `{"time":"${time}","level":"${pick(LEVELS)}","message":"request done","service":"${pick(TABLES)}",` +
          `"duration":${below(1_000_000) / 1000},"http":{"status":${pick(['200', '200', '200', '201', '404', '500', '503'])},` +
          `"path":"${pick(PATHS)}/${below(100_000)}"},"requestId":"${hex(32)}","retry":${below(10) === 0}}`;
        break;
      default:
        message =
          `10.${below(256)}.${below(256)}.${below(256)} - - [${time}] "GET ${pick(PATHS)}/${below(100_000)} HTTP/1.1" ` +
          `${pick(['200', '200', '200', '304', '404', '500', '502'])} ${below(50_000)} "-" "${pick(AGENTS)}"`;
    }
    if (i % NEEDLE_EVERY === 77) message += ` ${NEEDLE}`;
    yield { stream: `host-${below(STREAMS)}`, timestamp, message };
  }
}
