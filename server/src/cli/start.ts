// `brume start`: runs a server until a signal ends it.

import { flushCompileCache } from 'node:module';
import { styleText } from 'node:util';
import type { Config } from '#core/config.ts';
import type { Brume } from '#main';
import { readVersion } from '../version.ts';
import { banner } from './banner.ts';
import { explainFailure } from './explain-failure.ts';
import { isolationTier } from './isolation-tier.ts';
import { type ConfigSources, loadConfig } from './load-config.ts';

const FAILED = 1;
/** What shells report for a process that SIGINT ended. */
const INTERRUPTED = 130;

/** Resolves with the exit code once Brume has stopped, or could not start. */
export async function start(flags: ConfigSources['flags']): Promise<number> {
  let config: Config | undefined;
  let brume: Brume;
  const interrupted = new Interruption();
  try {
    config = loadConfig({ flags, environment: process.env });
    const { startBrume } = await import('#main');
    brume = await startBrume(config);
  } catch (error) {
    process.stderr.write(`${styleText('red', await explainFailure(error, config), { stream: process.stderr })}\n`);
    return FAILED;
  }
  const facts = {
    version: readVersion(),
    endpoint: brume.endpoint,
    dataDir: config.inMemory ? undefined : config.dataDir,
    isolation: isolationTier(config.functions.isolation),
    virtualClock: config.clock === 'virtual',
    testing: config.testing,
    signed: config.accessKeys.size > 0,
    startMs: Math.round(performance.now()),
  };
  process.stdout.write(`${banner(facts, process.stdout)}\n`);
  // Now, because a Brume that is killed writes nothing at its end.
  flushCompileCache();

  await interrupted.first;
  if (process.stdout.isTTY) process.stdout.write('\n  Stopping: what is under way is finished. Ctrl-C again forces.\n');
  await Promise.race([brume.stop(), interrupted.second.then(() => process.exit(INTERRUPTED))]);
  return 0;
}

/** The first SIGINT or SIGTERM asks for a graceful stop, the second forces it. */
class Interruption {
  readonly first: Promise<void>;
  readonly second: Promise<void>;

  constructor() {
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    this.first = first.promise;
    this.second = second.promise;
    let signals = 0;
    const onSignal = () => (++signals === 1 ? first : second).resolve();
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  }
}
