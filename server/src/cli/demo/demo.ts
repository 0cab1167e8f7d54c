// `brume demo`: runs a data pipeline from upload to alarm, on a Brume of its own or on one that runs.

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { randomHex } from '#core/ids.ts';
import type { Brume } from '#main';
import { explainFailure } from '../explain-failure.ts';
import { loadConfig } from '../load-config.ts';
import { connect } from './clients.ts';
import { EXAMPLE } from './example.ts';
import { chooseLanguage } from './language.ts';
import { type PipelineNames, pipelineNames } from './names.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { runPipeline } from './run.ts';
import { setUp } from './set-up.ts';

export interface DemoOptions {
  /** A Brume that runs; without it the demo starts one. */
  endpoint?: string;
  /** Data directory of the one it starts; a new temporary one without it. */
  data?: string;
}

/** Resolves with the exit code. */
export async function demo(options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const narrator = createNarrator(process.stdout);
  narrator.section('Brume demo: a file of orders, from upload to alarm');
  let brume: Brume | undefined;
  try {
    const dataDir = options.data ?? (await mkdtemp(join(tmpdir(), 'brume-demo-')));
    if (options.endpoint === undefined) {
      brume = await narrator.step(
        ({ endpoint }) => `Brume listens on ${endpoint}, data in ${dataDir}`,
        () => startOwn(dataDir),
      );
    }
    const endpoint = options.endpoint ?? brume!.endpoint;
    const language = await chooseLanguage();
    const clients = await connect(endpoint, process.env);
    if (language.note) narrator.note(`The functions are Node.js, because ${language.note}.`);
    try {
      const names = pipelineNames(randomHex(4));
      await setUp(clients, language, narrator, names);
      await runPipeline(clients, language, narrator, names);
      narrator.section(`Done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s. Where to look`);
      sayWhereToLook(narrator, names, { endpoint, dataDir: brume && dataDir, region: clients.region });
    } finally {
      clients.destroy();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`\nThe demo failed. ${await explain(error, options)}\n`);
    return 1;
  } finally {
    await brume?.stop();
  }
}

async function startOwn(dataDir: string): Promise<Brume> {
  const config = loadConfig({ flags: { port: '0', dataDir, logLevel: 'error' }, environment: process.env });
  const { startBrume } = await import('#main');
  return startBrume(config);
}

function sayWhereToLook(
  narrator: Narrator,
  names: PipelineNames,
  { endpoint, dataDir, region }: { endpoint: string; dataDir: string | undefined; region: string },
): void {
  narrator.note(`The functions: ${relative(process.cwd(), EXAMPLE) || EXAMPLE}`);
  if (dataDir !== undefined) {
    narrator.note('All of it is kept. Start Brume on it again, and ask any AWS client:');
    narrator.command(`npm start -- --data ${dataDir}`);
  }
  const shownEndpoint = dataDir === undefined ? endpoint : 'http://127.0.0.1:4566';
  narrator.command(
    `export AWS_ENDPOINT_URL=${shownEndpoint} AWS_REGION=${region} AWS_DEFAULT_REGION=${region} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test`,
  );
  narrator.command(`aws s3 ls --recursive s3://${names.outputBucket}`);
  narrator.command(`aws logs filter-log-events --log-group-name /aws/lambda/${names.transform} --filter-pattern ERROR`);
  narrator.command(`aws cloudwatch describe-alarm-history --alarm-name ${names.errorAlarm}`);
}

async function explain(error: unknown, { endpoint }: DemoOptions): Promise<string> {
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  if (endpoint !== undefined && code === 'ECONNREFUSED') return `Nothing listens on ${endpoint}.`;
  const { name } = error as Error;
  if (/^(ConfigError|DataDir|UnsafeBinding)/.test(name)) return explainFailure(error, undefined);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
