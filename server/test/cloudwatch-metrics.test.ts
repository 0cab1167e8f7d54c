// CloudWatch metrics against a whole server, with the AWS SDK for JavaScript.

import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import {
  CloudWatchClient,
  type Dimension,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  GetMetricStatisticsCommand,
  type GetMetricStatisticsCommandInput,
  ListMetricsCommand,
  type ListMetricsCommandInput,
  type MetricDatum,
  PutMetricDataCommand,
  type PutMetricDataCommandInput,
  paginateGetMetricData,
  paginateListMetrics,
} from '@aws-sdk/client-cloudwatch';
import { advance, clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const client = new CloudWatchClient(clientConfig(brume));
/** A full minute of the virtual clock. */
let nowMs = 0;

beforeEach(async () => {
  await brume.reset();
  const response = await fetch(`${brume.endpoint}/_brume/clock`);
  const { now } = (await response.json()) as { now: string };
  nowMs = Math.ceil(Date.parse(now) / 3_600_000) * 3_600_000;
  await advance(brume, nowMs - Date.parse(now));
});

const minute = (n: number) => new Date(nowMs + n * 60_000);
const second = (n: number) => new Date(nowMs + n * 1000);

const put = (MetricData: MetricDatum[], Namespace = 'Shop') =>
  client.send(new PutMetricDataCommand({ Namespace, MetricData }));
const statistics = (input: Partial<GetMetricStatisticsCommandInput>) =>
  client.send(
    new GetMetricStatisticsCommand({
      Namespace: 'Shop',
      MetricName: 'Orders',
      StartTime: minute(-60),
      EndTime: minute(1),
      Period: 60,
      ...(input.ExtendedStatistics ? {} : { Statistics: ['Sum'] }),
      ...input,
    }),
  );
const data = (input: Partial<GetMetricDataCommandInput>) =>
  client.send(
    new GetMetricDataCommand({ StartTime: minute(-60), EndTime: minute(1), MetricDataQueries: [], ...input }),
  );
const query = (Id: string, MetricName: string, Stat = 'Sum', Period = 60, more: object = {}) => ({
  Id,
  MetricStat: { Metric: { Namespace: 'Shop', MetricName }, Stat, Period },
  ...more,
});
const list = (input: ListMetricsCommandInput) => client.send(new ListMetricsCommand(input));

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
  return 'no error';
}

test('values with counts, plain values and statistic sets in all statistics', async () => {
  await put([
    { MetricName: 'Orders', Timestamp: minute(-2), Values: [1, 2, 10], Counts: [3, 1, 1], Unit: 'Count' },
    { MetricName: 'Orders', Timestamp: second(-100), Value: 4, Unit: 'Count' },
    {
      MetricName: 'Orders',
      Timestamp: minute(-1),
      StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 },
      Unit: 'Count',
    },
  ]);
  const { Label, Datapoints } = await statistics({
    Statistics: ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'],
  });
  assert.equal(Label, 'Orders');
  assert.deepEqual(Datapoints, [
    { Timestamp: minute(-2), SampleCount: 6, Average: 19 / 6, Sum: 19, Minimum: 1, Maximum: 10, Unit: 'Count' },
    { Timestamp: minute(-1), SampleCount: 4, Average: 2.5, Sum: 10, Minimum: 1, Maximum: 4, Unit: 'Count' },
  ]);
});

test('extended statistics: percentiles need values, or statistic sets of one value', async () => {
  await put([
    { MetricName: 'Orders', Timestamp: minute(-3), Values: Array.from({ length: 100 }, (_, i) => i + 1) },
    {
      MetricName: 'Orders',
      Timestamp: minute(-2),
      StatisticValues: { SampleCount: 2, Sum: 8, Minimum: 4, Maximum: 4 },
    },
    {
      MetricName: 'Orders',
      Timestamp: minute(-1),
      StatisticValues: { SampleCount: 2, Sum: 8, Minimum: 3, Maximum: 5 },
    },
  ]);
  const ExtendedStatistics = ['p50', 'p99.9', 'tm90', 'TC(10%:90%)', 'PR(:25)', 'WM(:50)'];
  const { Datapoints } = await statistics({ ExtendedStatistics });
  assert.deepEqual(
    Datapoints!.map(({ Timestamp, ExtendedStatistics: extended }) => [Timestamp, extended]),
    [
      [minute(-3), { p50: 50, 'p99.9': 100, tm90: 45.5, 'TC(10%:90%)': 80, 'PR(:25)': 25, 'WM(:50)': 37.75 }],
      [minute(-2), { p50: 4, 'p99.9': 4, tm90: 4, 'TC(10%:90%)': 2, 'PR(:25)': 100, 'WM(:50)': 4 }],
    ],
  );
});

test('units: asked for, told apart, or none', async () => {
  await put([
    { MetricName: 'Orders', Timestamp: minute(-1), Value: 1, Unit: 'Count' },
    { MetricName: 'Orders', Timestamp: minute(-1), Value: 2, Unit: 'Percent' },
    { MetricName: 'Orders', Timestamp: minute(-1), Value: 4 },
  ]);
  const sums = async (input: Partial<GetMetricStatisticsCommandInput>) =>
    (await statistics(input)).Datapoints!.map(({ Unit, Sum }) => [Unit, Sum]);
  assert.deepEqual(await sums({}), [
    ['Count', 1],
    ['None', 4],
    ['Percent', 2],
  ]);
  assert.deepEqual(await sums({ Unit: 'Percent' }), [['Percent', 2]]);
  assert.deepEqual(await sums({ Unit: 'None' }), [['None', 4]]);
  assert.deepEqual(await sums({ Unit: 'Bytes' }), []);
  const all = await data({ MetricDataQueries: [query('a', 'Orders')] });
  const { Values, Messages } = all.MetricDataResults![0]!;
  assert.deepEqual(Values, [1]);
  const Value = "Multiple units returned: '[Count, Percent, None]'";
  assert.deepEqual(Messages, [{ Code: 'MultipleUnits', Value }]);
});

test('labels tell queries of one metric apart', async () => {
  await put([{ MetricName: 'Labels', Timestamp: minute(-1), Value: 1 }]);
  const labels = async (...pairs: [string, number][]) => {
    const queries = pairs.map(([stat, period], i) => query(`q${i}`, 'Labels', stat, period));
    const { MetricDataResults } = await data({ MetricDataQueries: [...queries, query('other', 'Other', 'p99', 300)] });
    return MetricDataResults!.map(({ Label }) => Label).slice(0, -1);
  };
  assert.deepEqual(await labels(['Sum', 60]), ['Labels']);
  assert.deepEqual(await labels(['Sum', 60], ['Minimum', 60]), ['Labels Sum', 'Labels Minimum']);
  assert.deepEqual(await labels(['Sum', 60], ['Sum', 30]), ['Labels 60', 'Labels 30']);
  assert.deepEqual(await labels(['Sum', 60], ['Minimum', 30]), ['Labels Sum 60', 'Labels Minimum 30']);
});

test('high resolution is kept by the second, regular resolution by the minute', async () => {
  await put([
    { MetricName: 'Quick', Timestamp: second(-25), Value: 1, StorageResolution: 1 },
    { MetricName: 'Quick', Timestamp: second(-13), Value: 2, StorageResolution: 1 },
    { MetricName: 'Orders', Timestamp: second(-25), Value: 4 },
  ]);
  const points = async (name: string, Period: number) => {
    const { MetricDataResults } = await data({
      MetricDataQueries: [query('a', name, 'Sum', Period)],
      StartTime: second(-87),
      EndTime: second(0),
      ScanBy: 'TimestampAscending',
    });
    const { Timestamps, Values } = MetricDataResults![0]!;
    return Timestamps!.map((time, i) => [(time.getTime() - nowMs) / 1000, Values![i]]);
  };
  assert.deepEqual(await points('Quick', 1), [
    [-25, 1],
    [-13, 2],
  ]);
  assert.deepEqual(await points('Quick', 10), [
    [-30, 1],
    [-20, 2],
  ]);
  assert.deepEqual(await points('Quick', 60), [[-60, 3]]);
  assert.deepEqual(await points('Orders', 10), [[-60, 4]]);
});

test('windows: the start is rounded down, periods begin there, the end is exclusive', async () => {
  await put([-4, -3, -2, -1, 0].map((n) => ({ MetricName: 'Orders', Timestamp: minute(n), Value: 10 + n })));
  const { Datapoints } = await statistics({ StartTime: second(-4 * 60 + 30), EndTime: minute(0), Period: 120 });
  assert.deepEqual(
    Datapoints!.map(({ Timestamp, Sum }) => [(Timestamp!.getTime() - nowMs) / 60_000, Sum]),
    [
      [-4, 13],
      [-2, 17],
    ],
  );
});

test('short periods are kept for a shorter time', async () => {
  await put([{ MetricName: 'Quick', Timestamp: minute(0), Value: 7, StorageResolution: 1 }]);
  const HOUR_MS = 3_600_000;
  const DAY_MS = 24 * HOUR_MS;
  const seen = async () => {
    const MetricDataQueries = [1, 60, 300, 3600].map((period) => query(`p${period}`, 'Quick', 'Sum', period));
    const answer = await data({ MetricDataQueries, StartTime: minute(-60), EndTime: minute(60) });
    return answer.MetricDataResults!.filter(({ Values }) => Values!.length > 0).map(({ Id }) => Id);
  };
  assert.deepEqual(await seen(), ['p1', 'p60', 'p300', 'p3600']);
  await advance(brume, 3.1 * HOUR_MS);
  assert.deepEqual(await seen(), ['p60', 'p300', 'p3600']);
  await advance(brume, 15 * DAY_MS);
  assert.deepEqual(await seen(), ['p300', 'p3600']);
  await advance(brume, 48 * DAY_MS);
  assert.deepEqual(await seen(), ['p3600']);
});

test('GetMetricData: many queries, order of scan, labels, data that is not returned', async () => {
  const Dimensions: Dimension[] = [{ Name: 'City', Value: 'Lyon' }];
  await put([-3, -2, -1].map((n) => ({ MetricName: 'Orders', Timestamp: minute(n), Value: 10 + n })));
  await put([{ MetricName: 'Visits', Dimensions, Timestamp: minute(-1), Values: [5, 7] }]);
  const MetricDataQueries = [
    query('sum', 'Orders'),
    query('hidden', 'Orders', 'Average', 60, { ReturnData: false }),
    query('unknown', 'Nothing'),
    {
      Id: 'labelled',
      Label:
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
        "${PROP('Dim.City')} ${PROP('Stat')} of ${LABEL}: max ${MAX}, ${DATAPOINT_COUNT} point at ${LAST_TIME}, ${OTHER}",
      MetricStat: { Metric: { Namespace: 'Shop', MetricName: 'Visits', Dimensions }, Stat: 'p99', Period: 300 },
    },
  ];
  const { MetricDataResults } = await data({ MetricDataQueries });
  const time = minute(-60 + 55)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
  assert.deepEqual(MetricDataResults, [
    {
      Id: 'sum',
      Label: 'Orders',
      Timestamps: [minute(-1), minute(-2), minute(-3)],
      Values: [9, 8, 7],
      StatusCode: 'Complete',
    },
    { Id: 'unknown', Label: 'Nothing', Timestamps: [], Values: [], StatusCode: 'Complete' },
    {
      Id: 'labelled',
      Label: `Lyon p99 of Visits: max 7, 1 point at ${time} UTC, \${OTHER}`,
      Timestamps: [minute(-5)],
      Values: [7],
      StatusCode: 'Complete',
    },
  ]);
  const ascending = await data({ MetricDataQueries: [query('sum', 'Orders')], ScanBy: 'TimestampAscending' });
  assert.deepEqual(ascending.MetricDataResults![0]!.Values, [7, 8, 9]);
});

test('GetMetricData: pages give every data point once, in both directions', async () => {
  const numbers = Array.from({ length: 50 }, (_, i) => i - 50);
  await put(numbers.flatMap((n) => ['A', 'B'].map((MetricName) => ({ MetricName, Timestamp: minute(n), Value: n }))));
  for (const ScanBy of ['TimestampAscending', 'TimestampDescending'] as const) {
    const input = {
      StartTime: minute(-60),
      EndTime: minute(1),
      ScanBy,
      MaxDatapoints: 7,
      MetricDataQueries: [query('a', 'A'), query('none', 'C'), query('b', 'B'), query('a5', 'A', 'SampleCount', 300)],
    };
    const seen: Record<string, number[]> = {};
    const statusCodes: Record<string, string> = {};
    let pages = 0;
    for await (const { MetricDataResults } of paginateGetMetricData({ client }, input)) {
      pages++;
      let onPage = 0;
      for (const { Id, Values, StatusCode } of MetricDataResults!) {
        seen[Id!] = [...(seen[Id!] ?? []), ...Values!];
        statusCodes[Id!] = StatusCode!;
        onPage += Values!.length;
      }
      assert.ok(onPage <= 7);
    }
    const expected = ScanBy === 'TimestampAscending' ? numbers : numbers.toReversed();
    assert.deepEqual(seen.a, expected, ScanBy);
    assert.deepEqual(seen.b, expected, ScanBy);
    assert.deepEqual(seen.none, []);
    assert.equal(
      seen.a5!.reduce((sum, count) => sum + count, 0),
      50,
    );
    assert.deepEqual([...new Set(Object.values(statusCodes))], ['Complete']);
    assert.equal(pages, 16);
  }
});

test('ListMetrics: filters', async () => {
  const dimensions = (pairs: Record<string, string>) => Object.entries(pairs).map(([Name, Value]) => ({ Name, Value }));
  await put([
    { MetricName: 'Orders', Value: 1 },
    { MetricName: 'Orders', Dimensions: dimensions({ City: 'Lyon', Till: '1' }), Value: 1 },
    { MetricName: 'Orders', Dimensions: dimensions({ City: 'Nice' }), Value: 1 },
    { MetricName: 'Visits', Dimensions: dimensions({ City: 'Lyon' }), Value: 1 },
  ]);
  await put([{ MetricName: 'Orders', Value: 1 }], 'Store');
  const found = async (input: ListMetricsCommandInput) =>
    (await list(input)).Metrics!.map(({ Namespace, MetricName, Dimensions }) =>
      [Namespace, MetricName, ...Dimensions!.map(({ Name, Value }) => `${Name}=${Value}`)].join(' '),
    );
  assert.deepEqual(await found({}), [
    'Shop Orders',
    'Shop Orders City=Lyon Till=1',
    'Shop Orders City=Nice',
    'Shop Visits City=Lyon',
    'Store Orders',
  ]);
  assert.deepEqual(await found({ MetricName: 'Visits' }), ['Shop Visits City=Lyon']);
  assert.deepEqual(await found({ Namespace: 'Store' }), ['Store Orders']);
  assert.deepEqual(await found({ Namespace: 'Shop', MetricName: 'Orders', Dimensions: [{ Name: 'City' }] }), [
    'Shop Orders City=Lyon Till=1',
    'Shop Orders City=Nice',
  ]);
  assert.deepEqual(await found({ Dimensions: [{ Name: 'City', Value: 'Lyon' }] }), [
    'Shop Orders City=Lyon Till=1',
    'Shop Visits City=Lyon',
  ]);
  assert.deepEqual(await found({ Dimensions: [{ Name: 'City', Value: 'Lyon' }, { Name: 'Till' }] }), [
    'Shop Orders City=Lyon Till=1',
  ]);
  assert.deepEqual(await found({ Namespace: 'Elsewhere' }), []);
  assert.deepEqual(await found({ OwningAccount: '111111111111', IncludeLinkedAccounts: true }), []);
  const own = await list({ Namespace: 'Store', IncludeLinkedAccounts: true });
  assert.deepEqual(own.OwningAccounts, ['000000000000']);
});

test('ListMetrics: pages of 500', async () => {
  for (const part of [0, 1]) {
    await put(
      Array.from({ length: 600 }, (_, i) => ({
        MetricName: 'Many',
        Dimensions: [{ Name: 'N', Value: String(part * 600 + i) }],
        Value: 1,
      })),
    );
  }
  const sizes: number[] = [];
  const seen = new Set<string>();
  for await (const { Metrics } of paginateListMetrics({ client }, { Namespace: 'Shop' })) {
    sizes.push(Metrics!.length);
    for (const { Dimensions } of Metrics!) seen.add(Dimensions![0]!.Value!);
  }
  assert.deepEqual(sizes, [500, 500, 200]);
  assert.equal(seen.size, 1200);
  assert.match(
    await refusal(list({ NextToken: 'bogus' })),
    /^InvalidParameterValue\w*: Request parameter NextToken is invalid/,
  );
});

test('ListMetrics: what had data in the last 3 hours, and in the last 2 weeks', async () => {
  await put([{ MetricName: 'Old', Value: 1 }]);
  await advance(brume, 4 * 3_600_000);
  await put([{ MetricName: 'New', Value: 1 }]);
  const names = async (input: ListMetricsCommandInput) =>
    (await list(input)).Metrics!.map(({ MetricName }) => MetricName);
  assert.deepEqual(await names({ RecentlyActive: 'PT3H' }), ['New']);
  assert.deepEqual(await names({}), ['Old', 'New']);
  await advance(brume, 14 * 24 * 3_600_000 - 3_600_000);
  assert.deepEqual(await names({}), ['New']);
});

test('bad PutMetricData requests are refused in CloudWatch words, and store nothing', async () => {
  const datum = (more: Partial<MetricDatum>) => ({
    MetricData: [
      { MetricName: 'Good', Value: 1 },
      { MetricName: 'Bad', ...more },
    ],
  });
  const long = (n: number) => 'x'.repeat(n);
  const rows: [Partial<PutMetricDataCommandInput>, RegExp][] = [
    [{ MetricData: [] }, /^MissingRequiredParameterException: The parameter MetricData is required\.$/],
    [
      { Namespace: 'AWS/EC2', MetricData: [{ MetricName: 'a', Value: 1 }] },
      /^InvalidParameterValueException: The value AWS\/ for parameter Namespace is invalid\.$/,
    ],
    [{ Namespace: ':x', MetricData: [{ MetricName: 'a', Value: 1 }] }, /^InvalidParameterValueException: .*colon/],
    [
      { Namespace: long(256), MetricData: [{ MetricName: 'a', Value: 1 }] },
      /Namespace must be shorter than 256 characters/,
    ],
    [
      { MetricData: Array.from({ length: 1001 }, () => ({ MetricName: 'a', Value: 1 })) },
      /^InvalidParameterValueException: The collection MetricData must not have a size greater than 1000\.$/,
    ],
    [
      datum({ Value: Number.NaN }),
      /^InvalidParameterValueException: The value NaN for parameter MetricData\.member\.2\.Value is invalid\.$/,
    ],
    [
      datum({ Value: Number.POSITIVE_INFINITY }),
      /^InvalidParameterValueException: The value ∞ for parameter MetricData\.member\.2\.Value is invalid\.$/,
    ],
    [
      datum({ Value: 2 ** 361 }),
      /^InvalidParameterValueException: The value .* for parameter MetricData\.member\.2\.Value is invalid\.$/,
    ],
    [datum({}), /^MissingRequiredParameterException: The parameter MetricData\.member\.2\.Value is required\.$/],
    [
      datum({ Value: 1, Values: [1] }),
      /^InvalidParameterCombinationException: The parameters MetricData\.member\.2\.Value and MetricData\.member\.2\.Values are mutually exclusive and you have specified both\.$/,
    ],
    [
      datum({ Values: [1, 2], Counts: [1] }),
      /^InvalidParameterValueException: The parameters MetricData\.member\.2\.Values and MetricData\.member\.2\.Counts must be of the same size\.$/,
    ],
    [datum({ Values: [1], Counts: [-1] }), /Counts\.member\.1 is invalid/],
    [
      datum({ Values: Array.from({ length: 151 }, (_, i) => i) }),
      /^InvalidParameterValueException: The collection MetricData\.member\.2\.Values must not have a size greater than 150\.$/,
    ],
    [datum({ StatisticValues: { SampleCount: 0, Sum: 1, Minimum: 1, Maximum: 1 } }), /SampleCount is invalid/],
    [datum({ StatisticValues: { SampleCount: 2, Sum: 1, Minimum: 2, Maximum: 1 } }), /must be greater than/],
    [
      datum({ Value: 1, Unit: 'Bananas' as never }),
      /^InvalidParameterValueException: The parameter MetricData\.member\.2\.Unit must be a value in the set/,
    ],
    [
      datum({ Value: 1, StorageResolution: 30 }),
      /^InvalidParameterValueException: The value 30 for parameter MetricData\.member\.2\.StorageResolution is invalid\.$/,
    ],
    [
      datum({ Value: 1, Timestamp: minute(121) }),
      /^InvalidParameterValueException: The parameter MetricData\.member\.2\.Timestamp must specify a time no more than two hours in the future\.$/,
    ],
    [
      datum({ Value: 1, Timestamp: minute(-15 * 24 * 60) }),
      /^InvalidParameterValueException: The parameter MetricData\.member\.2\.Timestamp must specify a time within the past two weeks\.$/,
    ],
    [
      datum({ MetricName: '', Value: 1 }),
      /^MissingRequiredParameterException: The parameter MetricData\.member\.2\.MetricName is required\.$/,
    ],
    [datum({ MetricName: long(256), Value: 1 }), /MetricName must be shorter than 256 characters/],
    [datum({ MetricName: 'Größe', Value: 1 }), /MetricName must contain only ASCII characters/],
    [
      datum({ Value: 1, Dimensions: Array.from({ length: 31 }, (_, i) => ({ Name: `d${i}`, Value: 'x' })) }),
      /^InvalidParameterValueException: The collection MetricData\.member\.2\.Dimensions must not have a size greater than 30\.$/,
    ],
    [
      datum({ Value: 1, Dimensions: [{ Name: ':a', Value: 'x' }] }),
      /Dimensions\.member\.1\.Name must not start with a colon/,
    ],
    [
      datum({ Value: 1, Dimensions: [{ Name: 'a', Value: ' ' }] }),
      /Dimensions\.member\.1\.Value must contain at least one non-whitespace character/,
    ],
    [
      datum({ Value: 1, Dimensions: [{ Name: 'a', Value: 'é' }] }),
      /Dimensions\.member\.1\.Value must contain only ASCII characters/,
    ],
    [
      datum({
        Value: 1,
        Dimensions: [
          { Name: 'a', Value: '1' },
          { Name: 'a', Value: '2' },
        ],
      }),
      /twice/,
    ],
    [
      { EntityMetricData: [{ MetricData: [{ MetricName: 'a', Value: 1 }] }] },
      /^MissingRequiredParameterException: The parameter StrictEntityValidation is required\.$/,
    ],
    [
      {
        StrictEntityValidation: true,
        EntityMetricData: [
          { Entity: { KeyAttributes: { Type: 'Service', Name: 'x' } }, MetricData: [{ MetricName: 'a', Value: 1 }] },
        ],
      },
      /^InvalidParameterValueException: MissingRequiredFields$/,
    ],
  ];
  for (const [input, expected] of rows) {
    assert.match(await refusal(client.send(new PutMetricDataCommand({ Namespace: 'Shop', ...input }))), expected);
  }
  assert.deepEqual((await list({})).Metrics, []);
});

test('metric data of entities are stored as ordinary metrics; a bad entity is told in a header', async () => {
  const send = (KeyAttributes: Record<string, string>) => {
    const command = new PutMetricDataCommand({
      Namespace: 'Shop',
      StrictEntityValidation: false,
      EntityMetricData: [
        { Entity: { KeyAttributes }, MetricData: [{ MetricName: 'Orders', Value: 1, Timestamp: minute(-1) }] },
      ],
    });
    let failure: string | undefined;
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        failure = (result.response as { headers: Record<string, string> }).headers['x-amzn-failure-message'];
        return result;
      },
      { step: 'deserialize' },
    );
    return client.send(command).then(() => failure);
  };
  assert.equal(await send({ Type: 'Service', Name: 'web', Environment: 'prod' }), undefined);
  assert.equal(await send({ Type: 'Planet', Name: 'web' }), 'InvalidTypeValue');
  assert.deepEqual(
    (await statistics({})).Datapoints!.map(({ Sum }) => Sum),
    [2],
  );
});

test('bad queries', async () => {
  const limit =
    'exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.';
  const rows: [() => Promise<unknown>, RegExp | string][] = [
    [
      () => statistics({ StartTime: minute(-1501), EndTime: minute(0) }),
      `InvalidParameterCombinationException: You have requested up to 1,501 datapoints, which ${limit}`,
    ],
    [
      () => statistics({ StartTime: minute(0), EndTime: minute(0) }),
      'InvalidParameterCombinationException: The parameter StartTime must be less than the parameter EndTime.',
    ],
    [() => statistics({ Period: 90 }), /^InvalidParameterValueException: The parameter Period must be/],
    [() => statistics({ Statistics: ['Median' as never] }), /Statistics\.member\.1 must be a value in the set/],
    [
      () => statistics({ ExtendedStatistics: ['p101'] }),
      'InvalidParameterValueException: The value p101 for parameter ExtendedStatistics.member.1 is invalid.',
    ],
    [() => statistics({ Statistics: [] }), /^InvalidParameterCombinationException: /],
    [() => data({ MetricDataQueries: [] }), /^ValidationException: /],
    [() => data({ MetricDataQueries: [query('a', 'x'), query('a', 'y')] }), /^ValidationException: .*not unique/],
    [
      () => data({ MetricDataQueries: [query('Upper', 'x')] }),
      /^InvalidParameterValueException: The value Upper for parameter MetricDataQueries\.member\.1\.Id is invalid\.$/,
    ],
    [
      () => data({ MetricDataQueries: [query('a', 'x', 'median')] }),
      'ValidationException: The value median for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.',
    ],
    [
      () => data({ MetricDataQueries: [{ Id: 'e', Expression: 'm1 * 2' }] }),
      /^NotImplemented: .*Expression \(metric math\)/,
    ],
    [() => data({ MetricDataQueries: [query('a', 'x')], NextToken: 'bogus' }), /^InvalidNextToken: /],
    [
      () => data({ MetricDataQueries: [query('a', 'x')], LabelOptions: { Timezone: 'UTC' } }),
      /LabelOptions\.Timezone is invalid/,
    ],
    [
      () => data({ MetricDataQueries: [query('a', 'x')], StartTime: minute(0), EndTime: minute(-1) }),
      /^ValidationException: .*StartTime must be less/,
    ],
  ];
  for (const [work, expected] of rows) {
    const said = await refusal(work());
    if (typeof expected === 'string') assert.equal(said, expected);
    else assert.match(said, expected);
  }
});
