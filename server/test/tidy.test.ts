// The house rules that a program can check: who imports whom, what files are called, who reads the clock, and what
// text stands nowhere in the repository.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What git has or would take: never node_modules, data directories or build output. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const sources = files.filter((path) => /^server\/src\/.*\.ts$/.test(path));
const isTest = (path: string) => /\.(test|bench|fuzz)\.ts$/.test(path);

/** A room may import itself and these. What stands directly in server/src composes and may import all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  wire: ['core'],
  storage: ['core'],
  engines: ['core', 'storage'],
  services: ['core', 'storage', 'engines', 'wire'],
  cli: ['core', 'main', 'version'],
};

const SQL_TEXTS = new Set(['server/src/storage/telemetry/sql.ts', 'server/src/storage/telemetry/stream-hash.ts']);

/** Engines that compute and store nothing; they may write SQL (SQL_TEXTS), not run it. */
const PURE_ENGINES = new Set([
  'anomaly',
  'asl',
  'event-pattern',
  'filter-pattern',
  'insights',
  'log-patterns',
  'log-transforms',
  'metric-math',
  'schedule',
]);

describe('imports', () => {
  test('point one way between the rooms', () => {
    const wrong: string[] = [];
    for (const path of sources.filter((source) => !isTest(source))) {
      const room = roomOf(path);
      const allowed = MAY_IMPORT[room];
      if (!allowed) continue;
      for (const specifier of importsOf(path)) {
        const target = resolveImport(path, specifier);
        if (target === undefined) continue;
        const targetRoom = roomOf(target);
        if (targetRoom !== room && !allowed.includes(targetRoom)) wrong.push(`${path} imports ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('of pure engines stay with core', () => {
    const wrong: string[] = [];
    for (const path of sources.filter((source) => !isTest(source))) {
      const engine = /^server\/src\/engines\/([^/]+)\//.exec(path)?.[1];
      if (engine === undefined || !PURE_ENGINES.has(engine)) continue;
      for (const specifier of importsOf(path)) {
        const target = resolveImport(path, specifier);
        if (target === undefined) continue;
        const targetEngine = /^server\/src\/engines\/([^/]+)\//.exec(target)?.[1];
        const pure =
          targetEngine === undefined
            ? roomOf(target) === 'core' || SQL_TEXTS.has(target)
            : PURE_ENGINES.has(targetEngine);
        if (!pure) wrong.push(`${path} imports ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('never lead from one service to another', () => {
    const serviceOf = (path: string) => /^server\/src\/services\/([^/]+)\//.exec(path)?.[1];
    const wrong: string[] = [];
    for (const path of sources) {
      const service = serviceOf(path);
      if (service === undefined) continue;
      for (const specifier of importsOf(path)) {
        const target = resolveImport(path, specifier);
        const other = target && serviceOf(target);
        if (other !== undefined && other !== service) wrong.push(`${path} imports ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('name a room by its # name, and stay relative inside it', () => {
    const wrong: string[] = [];
    for (const path of sources) {
      for (const specifier of importsOf(path)) {
        const target = resolveImport(path, specifier);
        if (target === undefined) continue;
        const crosses = chamberOf(target) !== chamberOf(path);
        const composes = MAY_IMPORT[roomOf(path)] === undefined || MAY_IMPORT[roomOf(target)] === undefined;
        if (crosses && specifier.startsWith('.') && !composes) wrong.push(`${path} imports ${specifier}`);
        if (!crosses && specifier.startsWith('#')) wrong.push(`${path} imports ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

test('files are named in kebab-case, for the thing they hold', () => {
  /** Names that others prescribe. */
  const prescribed = new Set([
    'README.md',
    'GAPS.md',
    'CONTRIBUTING.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'LICENSE',
    'NOTICE',
    'Dockerfile',
    'Makefile',
  ]);
  const empty = /^(utils?|helpers?|common|managers?|misc|shared)$/;
  const wrong = files.filter((path) => {
    const name = basename(path);
    // Python modules cannot have hyphens in their names; Java and C# files are named for their classes.
    const wellNamed =
      prescribed.has(name) ||
      /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(name) ||
      /^([a-z0-9_]+\.py|[A-Z][A-Za-z0-9]+\.(java|cs))$/.test(name);
    const words = path.split('/').flatMap((part) => part.replace(/\..*$/, '').split(/[-_]/));
    return !wellNamed || words.some((word) => empty.test(word));
  });
  assert.deepEqual(wrong, []);
});

test('only the clock and the log read the time of day', () => {
  const readers = new Set(['server/src/core/clock.ts', 'server/src/core/log.ts']);
  // main.ts tells a virtual clock where to begin.
  const allowed = new Map([['server/src/main.ts', /new VirtualClock\(Date\.now\(\)\)/]]);
  const wrong: string[] = [];
  for (const path of sources) {
    if (readers.has(path) || isTest(path) || path.startsWith('server/src/cli/')) continue;
    read(path)
      .split('\n')
      .forEach((line, i) => {
        const code = line.replace(/^\s*(\/\/|\*).*/, '');
        if (/\bDate\.now\(|\bnew Date\(\)/.test(code) && !allowed.get(path)?.test(code)) wrong.push(`${path}:${i + 1}`);
      });
  }
  assert.deepEqual(wrong, []);
});

test('timers are set on the clock, so that virtual time moves them', () => {
  // What waits for the operating system, not for time, may use real timers; each such place says why.
  const wrong: string[] = [];
  for (const path of sources.filter((source) => /^server\/src\/(services|engines)\//.test(source) && !isTest(source))) {
    const lines = read(path).split('\n');
    lines.forEach((line, i) => {
      if (!/(?<![.\w])set(Timeout|Interval)\(/.test(line.replace(/^\s*(\/\/|\*).*/, ''))) return;
      const explained = lines
        .slice(Math.max(0, i - 4), i + 1)
        .some((near) => near.includes('//') || near.trim().startsWith('*'));
      if (!explained) wrong.push(`${path}:${i + 1}`);
    });
  }
  assert.deepEqual(wrong, []);
});

test('every service says what it leaves out', () => {
  const services = readdirSync(join(ROOT, 'server/src/services'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  assert.ok(services.length >= 8);
  for (const { name } of services) {
    const gaps = read(`server/src/services/${name}/GAPS.md`);
    assert.ok(gaps.split('\n').length > 2, `services/${name}/GAPS.md is empty`);
  }
});

test('every bench can be run by name', () => {
  // Parts of benches are those that another file there imports.
  const inBench = files.filter((path) => /^bench\/[^/]+\.ts$/.test(path));
  const parts = new Set(inBench.flatMap((path) => importsOf(path).map((specifier) => posix.join('bench', specifier))));
  const wrong = inBench.filter(
    (path) => path !== 'bench/run.ts' && !parts.has(path) && !/^export (async )?function run\(/m.test(read(path)),
  );
  assert.deepEqual(wrong, []);
});

test('the repository names no machine of its makers', () => {
  const patterns = [
    // A path under somebody's home or workplace.
    /(?<![\w.~$}])\/(?:root|work|Users|home)\/(?!sbx_|USER|user\b|you\b|ubuntu\b|ec2-user\b)[\w.-]/,
    // Packages come from wherever the reader's npm says.
    /"resolved": "https?:/,
    /registry\.(?!npmjs\.org)[\w-]+\.[a-z]+\/(?!.*hashicorp)/,
    /\b(?:https?:\/\/)?[\w.-]+\.(?:internal|corp|lan|example)\/(?:npm|pypi|simple|repository)\b/,
  ];
  const caught = [
    'see /root' + '/notes',
    '"/home' + '/ada/x"',
    '"resolved": "https' + '://mirror/x.tgz"',
    'registry.' + 'local.dev/x',
  ];
  for (const sample of caught)
    assert.ok(
      patterns.some((pattern) => pattern.test(sample)),
      sample,
    );
  const binary = /\.(png|jpg|gif|ico|woff2?|gz|zip|bin|wasm|parquet)$/;
  const wrong: string[] = [];
  for (const path of files.filter((file) => !binary.test(file) && file !== 'server/test/tidy.test.ts')) {
    read(path)
      .split('\n')
      .forEach((line, i) => {
        if (patterns.some((pattern) => pattern.test(line)))
          wrong.push(`${path}:${i + 1}: ${line.trim().slice(0, 120)}`);
      });
  }
  assert.deepEqual(wrong, []);
});

/** `core`, `wire`, …; the file's own name for what stands directly in server/src. */
function roomOf(path: string): string {
  const rest = path.slice('server/src/'.length);
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : rest.replace(/\.ts$/, '');
}

/** As the room, but each engine counts as one of its own. */
function chamberOf(path: string): string {
  return /^server\/src\/(engines\/[^/]+)\//.exec(path)?.[1] ?? roomOf(path);
}

/** Specifiers of static and dynamic imports, types included. */
function importsOf(path: string): string[] {
  const text = read(path);
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

/** The file under server/src that a specifier names; undefined for packages. */
function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(dirname(from), specifier);
  if (!specifier.startsWith('#')) return undefined;
  return specifier === '#main' ? 'server/src/main.ts' : `server/src/${specifier.slice(1)}`;
}
