// `brume lambda …` and `brume cost`: commands and options. What they do loads only when one of them runs.

import { Command, Option } from 'commander';
import { SystemClock } from '#core/clock.ts';
import { DEFAULT_ENDPOINT } from '../health.ts';
import type { DeployOptions } from './deploy.ts';
import type { RunOptions } from './run.ts';

type End = (code: Promise<number>) => Promise<void>;

/** `end` sets the exit code of the process and ends it. */
export function lambdaCommand(end: End): Command {
  const lambda = new Command('lambda').description('Run functions from files, deploy directories, and follow logs.');

  lambda
    .command('run <file>')
    .description(
      'Invoke the function in a file once, without packaging it: brume lambda run app.py --event \'{"n": 1}\'',
    )
    .option('--handler <handler>', 'Handler as Lambda knows it; found in the file without it.')
    .option('--event <event>', 'JSON text, a file that holds it, or - for standard input.', '{}')
    .option(
      '--runtime <runtime>',
      'python3.X, nodejsNN.x, rubyN.N or javaNN; told from the name of the file without it.',
    )
    .option('--timeout <seconds>', 'How long it may take.', '60')
    .option('--memory <MB>', 'Memory that it gets.', '512')
    .option('--env <NAME=VALUE...>', 'Environment variables of the function.')
    .option('-w, --watch', 'Run again whenever a file beside it is saved, until Ctrl-C.')
    .option(
      '--inspect [port]',
      'Wait for a debugger (Node.js: 9229, Python: 5678, which needs debugpy), with the longest time-out.',
    )
    .option('--endpoint <url>', 'Run on the Brume that listens there, instead of a throw-away one in memory.')
    .action((file: string, options: RunOptions) =>
      run(end, options.endpoint ?? 'its own Brume', async (signal) => {
        const { runFile } = await import('./run.ts');
        return runFile(file, options, signal);
      }),
    );

  lambda
    .command('deploy <directory>')
    .description('Make a function of a directory, or bring it up to date.')
    .option('--name <name>', 'Of the function; that of the directory without it.')
    .option('--handler <handler>', 'Handler as Lambda knows it; found in the files without it.')
    .option('--runtime <runtime>', 'python3.X or nodejsNN.x; told from the files without it.')
    .option('--timeout <seconds>', 'How long it may take.')
    .option('--memory <MB>', 'Memory that it gets.')
    .option('--env <NAME=VALUE...>', 'Environment variables of the function.')
    .option('--role <arn>', 'Role of a new function.', 'arn:aws:iam::000000000000:role/brume-deploy')
    .option('-w, --watch', 'Deploy again whenever a file in it is saved, until Ctrl-C.')
    .option('--hot', 'Run it from the directory itself, where Brume runs on the same machine without access keys.')
    .addOption(endpointOption())
    .action((directory: string, options: DeployOptions) =>
      run(end, options.endpoint, async (signal) => {
        const { deployDirectory } = await import('./deploy.ts');
        return deployDirectory(directory, options, signal);
      }),
    );

  lambda
    .command('logs <function>')
    .description('Print what a function logged.')
    .option('--since <time>', 'From then on: 15m, 1h, 2d (ago), or a time as 2026-11-23T10:00:00Z.', '10m')
    .option('--filter <pattern>', 'Only what a filter pattern matches: ERROR, or { $.level = "error" }.')
    .option('-f, --follow', 'Go on with what comes, until Ctrl-C.')
    .option('--json', 'One JSON object a line.')
    .addOption(endpointOption())
    .action((name: string, { endpoint, since, ...options }: LogsFlags) =>
      run(end, endpoint, async (signal) => {
        const { parseTime } = await import('../logs/time.ts');
        const { functionLogs } = await import('./logs.ts');
        return functionLogs(endpoint, name, { ...options, sinceMs: parseTime(since, new SystemClock().now()) }, signal);
      }),
    );
  return lambda;
}

export function costCommand(end: End): Command {
  return new Command('cost')
    .description('What the functions of a running Brume used, and what AWS would bill for it.')
    .option('--since <time>', 'From then on: 12h, 30d (ago), or a time.', '30d')
    .option('--json', 'As JSON.')
    .addOption(endpointOption())
    .action(({ endpoint, since, json }: { endpoint: string; since: string; json?: boolean }) =>
      run(end, endpoint, async () => {
        const { parseTime } = await import('../logs/time.ts');
        const { cost } = await import('./cost.ts');
        const nowMs = new SystemClock().now();
        return cost(endpoint, { fromMs: parseTime(since, nowMs), toMs: nowMs, json: json ?? false });
      }),
    );
}

interface LogsFlags {
  endpoint: string;
  since: string;
  filter?: string;
  follow?: boolean;
  json?: boolean;
}

/** Errors become one line on stderr and exit code 1; Ctrl-C and SIGTERM abort the signal. */
async function run(end: End, endpoint: string, work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  // A reader that goes away (`| head`) ends the command quietly.
  process.stdout.on('error', () => process.exit(0));
  await end(
    work(interrupted.signal).catch(async (error) => {
      const { explain } = await import('./explain-error.ts');
      process.stderr.write(`${explain(error, endpoint)}\n`);
      return 1;
    }),
  );
}

function endpointOption(): Option {
  return new Option('--endpoint <url>', 'Where Brume listens.').env('AWS_ENDPOINT_URL').default(DEFAULT_ENDPOINT);
}
