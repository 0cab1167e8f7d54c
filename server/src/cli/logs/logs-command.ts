// `brume logs …`: its commands and options. What they do loads only when one of them runs.

import { Command, Option } from 'commander';
import { SystemClock } from '#core/clock.ts';
import { DEFAULT_ENDPOINT } from '../health.ts';
import type { QueryOptions } from './query.ts';
import type { TailOptions } from './tail.ts';

const USAGE = "brume logs query /app 'stats count(*) by bin(5m)'";

/** `end` sets the exit code of the process and ends it. */
export function logsCommand(end: (code: Promise<number>) => Promise<void>): Command {
  const logs = new Command('logs').description('Follow, query and import the logs of a running Brume.');
  const clock = new SystemClock();

  logs
    .command('tail <group>')
    .description('Print the events of a log group.')
    .option('--since <time>', 'From then on: 15m, 1h, 2d (ago), or a time as 2026-11-23T10:00:00Z.', '10m')
    .option('--filter <pattern>', 'Only what a filter pattern matches: ERROR, or { $.level = "error" }.')
    .option('--streams <prefix>', 'Only of streams whose names begin so.')
    .option('-f, --follow', 'Go on with what comes, until Ctrl-C.')
    .addOption(
      new Option('--format <format>', 'Of an event: with its stream, without, or as JSON on one line.')
        .choices(['detailed', 'short', 'json'])
        .default('detailed'),
    )
    .option('--json', 'The same as --format json.')
    // As `aws logs tail` names them.
    .addOption(new Option('--filter-pattern <pattern>').hideHelp())
    .addOption(new Option('--log-stream-name-prefix <prefix>').hideHelp())
    .addOption(new Option('--log-stream-names <names...>').hideHelp())
    .addOption(endpointOption())
    .action((group: string, { endpoint, since, ...flags }: TailFlags) =>
      run(end, endpoint, [group], async (client, signal) => {
        const { parseTime } = await import('./time.ts');
        const { tail } = await import('./tail.ts');
        const sinceMs = parseTime(since, clock.now());
        return tail(client, group, { ...tailOptions(flags), sinceMs }, signal);
      }),
    );

  logs
    .command('query <groups-and-query...>')
    .description(`Run a Logs Insights query: ${USAGE}`)
    .option('--since <time>', 'Search from then on: 15m, 1h, 2d (ago), or a time.', '1h')
    .option('--start <time>', 'The same as --since.')
    .option('--end <time>', 'Search until then.', 'now')
    .option('--limit <rows>', 'Most rows of the result.')
    .addOption(new Option('--format <format>', 'Of the result.').choices(['table', 'csv', 'json']).default('table'))
    .addOption(new Option('--language <language>', 'Of the query.').choices(['CWLI', 'PPL', 'SQL']).default('CWLI'))
    .addOption(endpointOption())
    .action((given: string[], { endpoint, since, start, end: until, limit, ...options }: QueryFlags) => {
      const groups = given.slice(0, -1);
      const text = given.at(-1)!;
      return run(end, endpoint, groups, async (client, signal) => {
        const { parseTime } = await import('./time.ts');
        const { query } = await import('./query.ts');
        const { UsageError } = await import('./usage-error.ts');
        // One word is a group: no query has so few.
        if (groups.length === 0 && /^\S+$/.test(text)) throw new UsageError(`No query for ${text}: ${USAGE}`);
        if (limit !== undefined && !/^\d+$/.test(limit)) throw new UsageError(`"${limit}" is no number of rows.`);
        const nowMs = clock.now();
        const range = { fromMs: parseTime(start ?? since, nowMs), toMs: parseTime(until, nowMs) };
        const most = limit === undefined ? {} : { limit: Number(limit) };
        return query(client, groups, text, { ...options, ...range, ...most }, signal);
      });
    });

  logs
    .command('import <file...>')
    .description('Bring log files (plain, gzip or zstd; - is standard input) into a log group.')
    .requiredOption('--group <name>', 'Log group; made when it is missing.')
    .option('--stream <name>', "Log stream; the file's name without it.")
    .addOption(
      new Option('--format <format>', 'Of the lines.')
        .choices(['auto', 'json', 'text', 'apache', 'nginx', 'syslog'])
        .default('auto'),
    )
    .option(
      '--shift-to-now',
      'Move all times so that the newest event is now (events of over 14 days ago are refused).',
    )
    .addOption(endpointOption())
    .action((files: string[], { endpoint, ...options }: ImportFlags) =>
      run(end, endpoint, [options.group], async (client) => {
        const { importFiles } = await import('./import/import.ts');
        return importFiles(client, files, options, clock);
      }),
    );
  return logs;
}

function tailOptions(flags: Omit<TailFlags, 'endpoint' | 'since'>): Omit<TailOptions, 'sinceMs'> {
  const filter = flags.filter ?? flags.filterPattern;
  const streamPrefix = flags.streams ?? flags.logStreamNamePrefix;
  const streamNames = flags.logStreamNames;
  return {
    json: flags.json === true || flags.format === 'json',
    short: flags.format === 'short',
    follow: flags.follow === true,
    ...(filter !== undefined && { filter }),
    ...(streamPrefix !== undefined && { streamPrefix }),
    ...(streamNames !== undefined && { streamNames }),
  };
}

interface TailFlags {
  endpoint: string;
  since: string;
  filter?: string;
  filterPattern?: string;
  streams?: string;
  logStreamNamePrefix?: string;
  logStreamNames?: string[];
  follow?: boolean;
  format: 'detailed' | 'short' | 'json';
  json?: boolean;
}

interface QueryFlags extends Omit<QueryOptions, 'fromMs' | 'toMs' | 'limit'> {
  limit?: string;
  endpoint: string;
  since: string;
  start?: string;
  end: string;
}

interface ImportFlags {
  endpoint: string;
  group: string;
  stream?: string;
  format: 'auto' | 'json' | 'text' | 'apache' | 'nginx' | 'syslog';
  shiftToNow?: boolean;
}

type Work = (
  client: Awaited<ReturnType<typeof import('./connect.ts').connect>>,
  signal: AbortSignal,
) => Promise<number>;

async function run(
  end: (code: Promise<number>) => Promise<void>,
  endpoint: string,
  groups: readonly string[],
  work: Work,
): Promise<void> {
  const [{ connect }, { explained }] = await Promise.all([import('./connect.ts'), import('./explain-error.ts')]);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  // A reader that goes away (`| head`) ends the command quietly.
  process.stdout.on('error', () => process.exit(0));
  const client = connect(endpoint, process.env);
  await end(explained(endpoint, client, groups, () => work(client, interrupted.signal)));
}

function endpointOption(): Option {
  return new Option('--endpoint <url>', 'Where Brume listens.').env('AWS_ENDPOINT_URL').default(DEFAULT_ENDPOINT);
}
