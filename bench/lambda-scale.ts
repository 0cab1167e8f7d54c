// Lambda in breadth and length: a thousand functions deployed, a hundred environments at once and then a hundred others, and
// the memory of the server over many invocations. FUNCTIONS, ENVIRONMENTS and EVENTS set the numbers; EVENTS=1000000 takes minutes.

import { zipOf } from '../server/test/lambda-zip.ts';
import { type ServerProcess, startBrumeProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { LightConnection, requestHead } from './light-client.ts';
import { residentMbOf, usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const FUNCTIONS = Number(process.env.FUNCTIONS ?? 1_000);
const ENVIRONMENTS = Number(process.env.ENVIRONMENTS ?? 100);
const EVENTS = Number(process.env.EVENTS ?? 50_000);
const CLIENTS = 8;
/** Of the series of invocations, how often the memory is looked at. */
const LOOKS = 5;
const PATH = '/2015-03-31/functions';
/** As long as it takes until all others have begun, so that all are there at once. */
const HOLD_S = 5;
const CODE = `import time
def handler(event, context):
  time.sleep(event)
  return "NAME"
`;

export async function run(report: Report): Promise<void> {
  const brume = await startBrumeProcess();
  try {
    report(`idle                             ${memory(brume)}`);
    await deployAll(brume, report);
    for (const from of [0, ENVIRONMENTS]) {
      if (from + ENVIRONMENTS > FUNCTIONS) break;
      const latencies = await holdAll(brume, from);
      const what = from === 0 ? `${ENVIRONMENTS} environments at once` : `${ENVIRONMENTS} others at once`;
      report(`${what.padEnd(32)} first calls ${latencies}, ${memory(brume)}`);
    }
    await invokeMany(brume, report);
  } finally {
    await brume.stop();
  }
}

function memory({ pid }: ServerProcess): string {
  const usage = usageOf(pid);
  if (!usage) return 'memory not measured here';
  return `server ${Math.round(residentMbOf(pid))} MB resident, all ${usage.processes} processes ${Math.round(usage.pssMb)} MB (proportional)`;
}

async function deployAll(brume: ServerProcess, report: Report): Promise<void> {
  const beganMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const connection = await LightConnection.open(brume.endpoint);
      for (let n = next++; n < FUNCTIONS; n = next++) {
        const input = {
          FunctionName: `f${n}`,
          Runtime: 'python3.11',
          Handler: 'app.handler',
          Role: 'arn:aws:iam::000000000000:role/bench',
          Timeout: 60,
          Code: { ZipFile: zipOf({ 'app.py': CODE.replace('NAME', `f${n}`) }).toString('base64') },
        };
        const body = Buffer.from(JSON.stringify(input));
        const head = requestHead(brume.endpoint, 'POST', PATH, 'lambda', { 'Content-Length': body.length });
        const answer = await connection.send([head, body]);
        if (answer.status !== 201) throw new Error(`CreateFunction answered ${answer.status}: ${answer.body}`);
      }
      connection.close();
    }),
  );
  const perSecond = Math.round(FUNCTIONS / ((performance.now() - beganMs) / 1_000));
  report(`${`${FUNCTIONS} functions deployed`.padEnd(32)} ${perSecond}/s, ${memory(brume)}`);
}

/** What the first call of each took beyond the time that it held its environment. */
async function holdAll(brume: ServerProcess, from: number): Promise<Latencies> {
  const latencies = new Latencies();
  await Promise.all(
    Array.from({ length: ENVIRONMENTS }, async (_, index) => {
      const connection = await LightConnection.open(brume.endpoint);
      const beganMs = performance.now();
      await invoke(brume, connection, from + index, HOLD_S);
      latencies.add(performance.now() - beganMs - HOLD_S * 1_000);
      connection.close();
    }),
  );
  return latencies;
}

async function invokeMany(brume: ServerProcess, report: Report): Promise<void> {
  const beganMs = performance.now();
  for (let look = 1; look <= LOOKS; look++) {
    const until = Math.round((EVENTS * look) / LOOKS);
    let next = Math.round((EVENTS * (look - 1)) / LOOKS);
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const connection = await LightConnection.open(brume.endpoint);
        for (; next < until; next++) await invoke(brume, connection, 0, 0);
        connection.close();
      }),
    );
    report(`${`after ${until} invocations`.padEnd(32)} ${memory(brume)}`);
  }
  report(`${Math.round(EVENTS / ((performance.now() - beganMs) / 1_000))} invocations/s`);
}

async function invoke({ endpoint }: ServerProcess, connection: LightConnection, n: number, holdS: number) {
  const event = Buffer.from(String(holdS));
  const head = requestHead(endpoint, 'POST', `${PATH}/f${n}/invocations`, 'lambda', { 'Content-Length': event.length });
  const { status, body } = await connection.send([head, event]);
  if (status !== 200 || body.toString() !== `"f${n}"`) throw new Error(`Invoke answered ${status}: ${body}`);
}
