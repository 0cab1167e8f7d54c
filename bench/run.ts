// npm run bench -- NAME [NAME…] [--save]: runs bench/NAME.ts one after another under the facts of this machine.
// --save appends what was printed to bench/results.md, dated.

import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';

/** What a bench gets: prints one line. */
export type Report = (line: string) => void;

interface Bench {
  run(report: Report): Promise<void>;
}

const HERE = new URL('./', import.meta.url);
const RESULTS = new URL('results.md', HERE);
/** Parts of the runner, not benches. */
const NOT_A_BENCH = new Set(['run.ts']);

async function main(args: string[]): Promise<void> {
  const save = args.includes('--save');
  const names = args.filter((arg) => arg !== '--save');
  const known = listBenches();
  const unknown = names.filter((name) => !known.includes(name));
  if (names.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`There is no bench ${unknown.join(', ')}.`);
    console.error(`npm run bench -- NAME [NAME…] [--save]\nBenches: ${known.join(', ')}`);
    process.exit(1);
  }
  const facts = machineFacts();
  console.log(facts);
  for (const name of names) {
    const lines: string[] = [];
    console.log(`\n## ${name}`);
    const { run } = (await import(new URL(`${name}.ts`, HERE).href)) as Bench;
    await run((line) => {
      console.log(line);
      lines.push(line);
    });
    if (save) appendFileSync(RESULTS, section(name, facts, lines));
  }
}

/** Every file beside this one that exports `run`. */
export function listBenches(): string[] {
  return readdirSync(HERE)
    .filter((file) => file.endsWith('.ts') && !NOT_A_BENCH.has(file))
    .filter((file) => /^export (?:async )?function run\(/m.test(readFileSync(new URL(file, HERE), 'utf8')))
    .map((file) => file.slice(0, -'.ts'.length));
}

function machineFacts(): string {
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return [
    `${availableParallelism()} cores (${cpu}), ${memoryGb} GB, ${process.platform} ${release()}`,
    `Node ${process.versions.node}, chdb ${packageVersion('chdb')}, data on ${fileSystem(tmpdir())}, commit ${commit()}`,
  ].join('\n');
}

function section(name: string, facts: string, lines: readonly string[]): string {
  const day = new Date().toISOString().slice(0, 10);
  return `\n## ${day} ${name}\n\n\`\`\`text\n${facts}\n\n${lines.join('\n')}\n\`\`\`\n`;
}

function packageVersion(name: string): string {
  const require = createRequire(new URL('../server/package.json', import.meta.url));
  try {
    return (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}

const FILE_SYSTEMS: Record<number, string> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  2035054128: 'overlay',
};

/** A durable write to tmpfs costs nothing, so the reader has to know. */
function fileSystem(path: string): string {
  const { type } = statfsSync(path);
  return FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: HERE, encoding: 'utf8' }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', '../server') === '' ? '' : ' and changes')
    );
  } catch {
    return 'unknown';
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(process.argv.slice(2));
