// The commands of `brume`; bin/brume.mjs starts here.

import { Command, Option } from 'commander';
import { readVersion } from '../version.ts';
import { DEFAULT_ENDPOINT, health } from './health.ts';
import { costCommand, lambdaCommand } from './lambda/lambda-command.ts';
import type { ConfigSources } from './load-config.ts';
import { logsCommand } from './logs/logs-command.ts';
import { SETTINGS, type Setting } from './settings.ts';
import { start } from './start.ts';

const program = new Command('brume')
  .description('CloudWatch and Lambda that you run yourself.')
  .version(readVersion())
  .showHelpAfterError('(brume --help lists what there is)');

const startCommand = program.command('start').description('Run Brume in the foreground.');
const nameOfOption = new Map<string, string>();
for (const [name, setting] of Object.entries(SETTINGS as Record<string, Setting>)) {
  if (!setting.flag) continue;
  const option = new Option(setting.flag, `${setting.description} [${setting.environment}; ${setting.shownDefault}]`);
  nameOfOption.set(option.attributeName(), name);
  startCommand.addOption(option);
}
startCommand
  .option('--config <file>', 'JSON file with any of these. [BRUME_CONFIG]')
  .action(async (options: Record<string, unknown>) => {
    const flags: Record<string, unknown> = { config: options.config };
    for (const [attribute, name] of nameOfOption) flags[name] = options[attribute];
    await end(start(flags as ConfigSources['flags']));
  });

program
  .command('demo')
  .description('Watch a data pipeline run on Brume, from upload to alarm, in a few seconds.')
  .option('--endpoint <url>', 'Run on the Brume that listens there, instead of one of its own.')
  .option('--data <dir>', 'Data directory of its own Brume; a new temporary one without it.')
  .action(async (options: { endpoint?: string; data?: string }) => {
    const { demo } = await import('./demo/demo.ts');
    await end(demo(options));
  });

program
  .command('health')
  .description('Ask a running Brume how it is.')
  .option('--endpoint <url>', 'Where it listens. [AWS_ENDPOINT_URL]', process.env.AWS_ENDPOINT_URL ?? DEFAULT_ENDPOINT)
  .option('--json', 'Print the answer as it came.')
  .action((options: { endpoint: string; json?: boolean }) => end(health(options)));

program.addCommand(logsCommand(end));
program.addCommand(lambdaCommand(end));
program.addCommand(costCommand(end));

await program.parseAsync();

async function end(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
  // Nothing that was forgotten, a socket or a timer, may keep a stopped Brume alive.
  process.exit();
}
