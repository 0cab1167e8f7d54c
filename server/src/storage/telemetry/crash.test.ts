// A process that appends and queries (crash-writer.ts) is killed at random moments, again and again on one data
// directory; sometimes it kills its own engine. In the end every row that it was told is durable is there once.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger } from '#core/log.ts';
import { seeded } from '#test/seeded-random.ts';
import { openTelemetry } from './chdb-telemetry.ts';
import { sql } from './sql.ts';

const ROUNDS = 7;
/** On a busy machine few live until their engine runs: then there are more rounds, and longer ones. */
const MOST_ROUNDS = 28;
const LONGEST_LIFE_MS = 2_000;

test('kill -9 under load: every acknowledged row is there exactly once', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed} (set SEED to repeat)`);
  const random = seeded(seed);
  const dir = await mkdtemp(join(tmpdir(), 'brume-crash-'));
  const acknowledged = { log_events: new Set<string>(), metric_points: new Set<string>() };
  let queries = 0;
  const engines: number[] = [];
  const enough = () => engines.length > ROUNDS / 2 && acknowledged.log_events.size > ROUNDS * 10;
  for (let round = 0; round < ROUNDS || (!enough() && round < MOST_ROUNDS); round++) {
    const program = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
    const writer = spawn(process.execPath, [program, dir, String(round), String(Math.floor(random() * 2 ** 31))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const killAtMs = 300 + random() * LONGEST_LIFE_MS * Math.ceil((round + 1) / ROUNDS);
    const kill = setTimeout(() => writer.kill('SIGKILL'), killAtMs);
    for await (const line of createInterface({ input: writer.stdout })) {
      const [what, key] = line.split(' ') as [string, string];
      if (what === 'log') acknowledged.log_events.add(key);
      else if (what === 'metric') acknowledged.metric_points.add(key);
      else if (what === 'query') queries++;
      else if (what === 'engine') engines.push(Number(key));
      else assert.fail(`round ${round}: ${line}`);
    }
    clearTimeout(kill);
  }
  await assertDead(engines);

  const warnings: string[] = [];
  const telemetry = await openTelemetry({
    dir,
    durable: true,
    log: createLogger('info', (line) => warnings.push(line)),
  });
  try {
    // A key stands for a batch: its rows are there all or none, each once.
    const batches = {
      log_events: sql`SELECT splitByChar(' ', message)[1] AS key, count() AS rows, uniqExact(message) AS different,
        any(toUInt32(splitByChar(' ', message)[2])) AS expected FROM log_events GROUP BY key`,
      metric_points: sql`SELECT toString(metric_id) AS key, count() AS rows, uniqExact(value) AS different,
        any(toUInt32(count)) AS expected FROM metric_points GROUP BY key`,
    };
    for (const [table, query] of Object.entries(batches) as [keyof typeof batches, typeof batches.log_events][]) {
      const { rows } = await telemetry.query<{ key: string; rows: number; different: number; expected: number }>(query);
      for (const { key, rows: found, different, expected } of rows) {
        assert.equal(found, expected, `${table}: batch ${key}`);
        assert.equal(different, expected, `${table}: batch ${key}`);
      }
      const there = new Set(rows.map(({ key }) => key));
      const lost = [...acknowledged[table]].filter((key) => !there.has(key));
      assert.deepEqual(lost, [], `${table}: acknowledged and lost; ${warnings.join('\n')}`);
      console.log(
        `${table}: ${acknowledged[table].size} batches acknowledged, ${there.size} there; ${queries} queries`,
      );
      assert.ok(acknowledged[table].size > ROUNDS * 10, 'too little was appended to prove anything');
    }
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
});

/** An engine whose server was killed ends by itself. */
async function assertDead(engines: number[]): Promise<void> {
  assert.ok(engines.length > ROUNDS / 2, 'too few rounds lived until their engine ran');
  const deadline = performance.now() + 2_000;
  for (const pid of engines) {
    while (isAlive(pid)) {
      assert.ok(performance.now() < deadline, `engine ${pid} outlived its server`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
