// `brume cost`: requests and GB-seconds of each function and what AWS would bill for them. The metrics that Lambda keeps tell which
// functions ran; their REPORT lines what is billed. Where these are gone, the metrics tell the duration without initialization.

import {
  CloudWatchClient,
  GetMetricDataCommand,
  ListMetricsCommand,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListProvisionedConcurrencyConfigsCommand,
} from '@aws-sdk/client-lambda';
import { clientOptions } from '../client-options.ts';
import { formatTable } from '../logs/table.ts';
import { billedUsage } from './billed-usage.ts';
import {
  DOLLARS_PER_GB_SECOND,
  DOLLARS_PER_GB_SECOND_OF_STORAGE,
  DOLLARS_PER_MILLION_REQUESTS,
  FREE_GB_SECONDS,
  FREE_REQUESTS,
  FREE_STORAGE_MB,
  PROVISIONED_DOLLARS_PER_GB_SECOND,
  RATES_DATE,
} from './rates.ts';

const PERIOD_S = 86_400;
/** GetMetricData takes 500 queries; a function has two. */
const FUNCTIONS_PER_CALL = 200;

export interface FunctionCost {
  name: string;
  /** Absent when the function is deleted: what it had can no longer be told, and is billed as 128 MB. */
  memoryMb?: number;
  architecture: 'x86_64' | 'arm64';
  requests: number;
  seconds: number;
  gbSeconds: number;
  dollars: number;
  /** Whether the seconds are those that AWS bills, initialization included. */
  billed: boolean;
}

/** Environments that are kept ready now: they cost whether they are used or not. */
interface Provisioned {
  functionArn: string;
  environments: number;
  dollarsPerHour: number;
}

export async function cost(
  endpoint: string,
  { fromMs, toMs, json }: { fromMs: number; toMs: number; json: boolean },
): Promise<number> {
  const options = clientOptions(endpoint, process.env);
  const clients = {
    cloudwatch: new CloudWatchClient(options),
    lambda: new LambdaClient(options),
    logs: new CloudWatchLogsClient(options),
  };
  try {
    const functions: FunctionCost[] = [];
    const provisioned: Provisioned[] = [];
    for (const { name, requests, durationMs } of await usage(clients.cloudwatch, fromMs, toMs)) {
      const configuration = await configurationOf(clients.lambda, name);
      const group = configuration?.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`;
      const architecture = configuration?.Architectures?.[0] === 'arm64' ? 'arm64' : 'x86_64';
      const common = {
        name,
        storageMb: configuration?.EphemeralStorage?.Size ?? FREE_STORAGE_MB,
        architecture,
      } as const;
      // A group of another name may hold the lines of several functions.
      const reported = group === `/aws/lambda/${name}` ? await billedUsage(clients.logs, group, { fromMs, toMs }) : [];
      const complete = reported.reduce((total, use) => total + use.requests, 0) >= requests;
      if (complete) functions.push(summed(reported.map((use) => priced({ ...common, ...use, billed: true }))));
      else {
        const seconds = durationMs / 1_000;
        functions.push(priced({ ...common, requests, seconds, memoryMb: configuration?.MemorySize, billed: false }));
      }
      if (configuration) provisioned.push(...(await provisionedOf(clients.lambda, configuration, architecture)));
    }
    functions.sort((a, b) => b.dollars - a.dollars || (a.name < b.name ? -1 : 1));
    print(functions, provisioned, fromMs, toMs, json);
    return 0;
  } finally {
    clients.cloudwatch.destroy();
    clients.lambda.destroy();
    clients.logs.destroy();
  }
}

async function configurationOf(lambda: LambdaClient, name: string): Promise<FunctionConfiguration | undefined> {
  try {
    return await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return undefined;
  }
}

async function provisionedOf(
  lambda: LambdaClient,
  { FunctionName, MemorySize = 128 }: FunctionConfiguration,
  architecture: 'x86_64' | 'arm64',
): Promise<Provisioned[]> {
  const { ProvisionedConcurrencyConfigs = [] } = await lambda.send(
    new ListProvisionedConcurrencyConfigsCommand({ FunctionName }),
  );
  return ProvisionedConcurrencyConfigs.map(({ FunctionArn, RequestedProvisionedConcurrentExecutions = 0 }) => ({
    functionArn: FunctionArn!,
    environments: RequestedProvisionedConcurrentExecutions,
    dollarsPerHour:
      RequestedProvisionedConcurrentExecutions *
      (MemorySize / 1_024) *
      3_600 *
      PROVISIONED_DOLLARS_PER_GB_SECOND[architecture],
  }));
}

/** The uses of one function with different memory sizes; shows the size of the last. */
function summed(costs: readonly FunctionCost[]): FunctionCost {
  return costs.reduce((total, cost) => ({
    ...cost,
    requests: total.requests + cost.requests,
    seconds: total.seconds + cost.seconds,
    gbSeconds: total.gbSeconds + cost.gbSeconds,
    dollars: total.dollars + cost.dollars,
  }));
}

interface Usage {
  name: string;
  memoryMb: number | undefined;
  storageMb: number;
  architecture: 'x86_64' | 'arm64';
  requests: number;
  seconds: number;
  billed: boolean;
}

/** The price of one function's use, before what is free. */
export function priced(use: Usage): FunctionCost {
  const { name, memoryMb, storageMb, architecture, requests, seconds, billed } = use;
  const gbSeconds = ((memoryMb ?? 128) / 1_024) * seconds;
  const storage = (Math.max(0, storageMb - FREE_STORAGE_MB) / 1_024) * seconds * DOLLARS_PER_GB_SECOND_OF_STORAGE;
  const compute = tiered(gbSeconds, DOLLARS_PER_GB_SECOND[architecture]);
  return {
    name,
    ...(memoryMb === undefined ? {} : { memoryMb }),
    architecture,
    requests,
    seconds,
    gbSeconds,
    dollars: compute + storage + (requests / 1e6) * DOLLARS_PER_MILLION_REQUESTS,
    billed,
  };
}

function tiered(amount: number, tiers: readonly { upToGbSeconds: number; dollars: number }[]): number {
  let from = 0;
  let sum = 0;
  for (const { upToGbSeconds, dollars } of tiers) {
    if (amount <= from) break;
    sum += (Math.min(amount, upToGbSeconds) - from) * dollars;
    from = upToGbSeconds;
  }
  return sum;
}

async function usage(cloudwatch: CloudWatchClient, fromMs: number, toMs: number) {
  const names = await functionNames(cloudwatch);
  const found: { name: string; requests: number; durationMs: number }[] = [];
  for (let at = 0; at < names.length; at += FUNCTIONS_PER_CALL) {
    const some = names.slice(at, at + FUNCTIONS_PER_CALL);
    const sums = new Map<string, number>();
    let NextToken: string | undefined;
    do {
      const answer = await cloudwatch.send(
        new GetMetricDataCommand({
          StartTime: new Date(fromMs),
          EndTime: new Date(toMs + 60_000),
          MetricDataQueries: some.flatMap((name, index) => [
            query(`i${index}`, 'Invocations', name),
            query(`d${index}`, 'Duration', name),
          ]),
          NextToken,
        }),
      );
      for (const { Id, Values = [] } of answer.MetricDataResults ?? []) {
        sums.set(Id!, (sums.get(Id!) ?? 0) + Values.reduce((sum, value) => sum + value, 0));
      }
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
    for (const [index, name] of some.entries()) {
      const requests = sums.get(`i${index}`) ?? 0;
      if (requests > 0) found.push({ name, requests, durationMs: sums.get(`d${index}`) ?? 0 });
    }
  }
  return found;
}

function query(Id: string, MetricName: string, name: string): MetricDataQuery {
  return {
    Id,
    MetricStat: {
      Metric: { Namespace: 'AWS/Lambda', MetricName, Dimensions: [{ Name: 'FunctionName', Value: name }] },
      Period: PERIOD_S,
      Stat: 'Sum',
    },
  };
}

async function functionNames(cloudwatch: CloudWatchClient): Promise<string[]> {
  const names = new Set<string>();
  let NextToken: string | undefined;
  do {
    const answer = await cloudwatch.send(
      new ListMetricsCommand({ Namespace: 'AWS/Lambda', MetricName: 'Invocations', NextToken }),
    );
    for (const { Dimensions = [] } of answer.Metrics ?? []) {
      if (Dimensions.length === 1 && Dimensions[0]!.Name === 'FunctionName') names.add(Dimensions[0]!.Value!);
    }
    NextToken = answer.NextToken;
  } while (NextToken !== undefined);
  return [...names].sort();
}

function print(
  functions: readonly FunctionCost[],
  provisioned: readonly Provisioned[],
  fromMs: number,
  toMs: number,
  json: boolean,
): void {
  const total = {
    requests: sum(functions, 'requests'),
    gbSeconds: sum(functions, 'gbSeconds'),
    dollars: sum(functions, 'dollars'),
  };
  const free = total.requests <= FREE_REQUESTS && total.gbSeconds <= FREE_GB_SECONDS;
  if (json) {
    const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
    process.stdout.write(
      `${JSON.stringify({ ...range, ratesDate: RATES_DATE, functions, provisioned, total, withinFreeTier: free }, undefined, 2)}\n`,
    );
    return;
  }
  if (functions.length === 0) {
    process.stdout.write('No function was invoked in that time.\n');
    return;
  }
  const rows = functions.map(({ name, memoryMb, architecture, requests, seconds, gbSeconds, dollars }) => [
    name,
    memoryMb === undefined ? 'deleted' : String(memoryMb),
    architecture,
    String(requests),
    seconds.toFixed(3),
    gbSeconds.toFixed(4),
    dollars.toFixed(6),
  ]);
  const columns = ['function', 'MB', 'architecture', 'requests', 'seconds', 'GB-seconds', 'USD on AWS'];
  process.stdout.write(`${formatTable(columns, rows, process.stdout.columns ?? 120).join('\n')}\n`);
  process.stdout.write(
    `\n${total.requests} requests, ${total.gbSeconds.toFixed(4)} GB-seconds: ${total.dollars.toFixed(6)} USD on AWS` +
      `${free ? '; within what AWS gives for free in a month' : ''}.\n` +
      `Rates of us-east-1, ${RATES_DATE}.\n`,
  );
  const unbilled = functions.filter(({ billed }) => !billed).map(({ name }) => name);
  if (unbilled.length > 0) {
    process.stdout.write(
      `Not every REPORT line of ${unbilled.join(', ')} is there: memory as configured now, without initialization.\n`,
    );
  }
  for (const { functionArn, environments, dollarsPerHour } of provisioned) {
    process.stdout.write(
      `${functionArn} keeps ${environments} environments ready: ${dollarsPerHour.toFixed(6)} USD more each hour.\n`,
    );
  }
}

function sum(functions: readonly FunctionCost[], field: 'requests' | 'gbSeconds' | 'dollars'): number {
  return functions.reduce((total, one) => total + one[field], 0);
}
