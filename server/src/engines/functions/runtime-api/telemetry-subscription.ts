// What an extension may ask of the Telemetry API, and of the older Logs API: the request read and checked.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html

export type Category = 'platform' | 'function' | 'extension';
export type TelemetryApi = 'telemetry' | 'logs';

export interface Subscription {
  api: TelemetryApi;
  schemaVersion: string;
  types: Category[];
  /** On the loopback of the machine, which the sandbox calls sandbox.localdomain. */
  destination: { protocol: 'HTTP'; port: number; path: string; host: string } | { protocol: 'TCP'; port: number };
  buffering: Buffering;
}

export interface Buffering {
  maxItems: number;
  maxBytes: number;
  timeoutMs: number;
}

/** What is wrong with a request, in words. */
export class SubscriptionError extends Error {}

const CATEGORIES: readonly Category[] = ['platform', 'function', 'extension'];
const SCHEMA_VERSIONS: Readonly<Record<TelemetryApi, readonly string[]>> = {
  telemetry: ['2022-07-01', '2022-12-13', '2025-01-29'],
  logs: ['2020-08-15', '2021-03-18'],
};
const HOSTS: ReadonlySet<string> = new Set(['sandbox.localdomain', 'sandbox']);
type Limits = Readonly<Record<keyof Buffering, readonly [least: number, most: number]>>;
const LIMITS: Limits = { maxItems: [1_000, 10_000], maxBytes: [262_144, 1_048_576], timeoutMs: [25, 30_000] };
const DEFAULTS: Readonly<Record<TelemetryApi, Buffering>> = {
  telemetry: { maxItems: 1_000, maxBytes: 262_144, timeoutMs: 1_000 },
  logs: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1_000 },
};

/** Throws SubscriptionError. */
export function readSubscription(api: TelemetryApi, body: string): Subscription {
  let input: Record<string, unknown>;
  try {
    input = asObject(JSON.parse(body), 'The request');
  } catch (error) {
    throw error instanceof SubscriptionError ? error : new SubscriptionError('The request is no JSON object.');
  }
  const { schemaVersion = api === 'logs' ? '2020-08-15' : undefined, types, destination, buffering = {} } = input;
  const versions = SCHEMA_VERSIONS[api];
  if (typeof schemaVersion !== 'string' || !versions.includes(schemaVersion)) {
    throw new SubscriptionError(`schemaVersion must be one of ${versions.join(', ')}.`);
  }
  if (!Array.isArray(types) || types.length === 0 || !types.every((type) => CATEGORIES.includes(type))) {
    throw new SubscriptionError(`types must be a list of ${CATEGORIES.join(', ')}.`);
  }
  return {
    api,
    schemaVersion,
    types: [...new Set(types as Category[])],
    destination: readDestination(asObject(destination, 'destination')),
    buffering: readBuffering(asObject(buffering, 'buffering'), DEFAULTS[api]),
  };
}

function readDestination({ protocol, URI, port }: Record<string, unknown>): Subscription['destination'] {
  if (protocol === 'TCP') return { protocol, port: readPort(port) };
  if (protocol !== 'HTTP') throw new SubscriptionError('destination.protocol must be HTTP or TCP.');
  const url = URL.parse(String(URI));
  if (url?.protocol !== 'http:' || !HOSTS.has(url.hostname)) {
    throw new SubscriptionError('destination.URI must be like http://sandbox.localdomain:8080/path.');
  }
  const number = url.port === '' ? 80 : Number(url.port);
  return { protocol, port: readPort(number), path: `${url.pathname}${url.search}`, host: url.host };
}

function readPort(port: unknown): number {
  if (Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536) return port as number;
  throw new SubscriptionError('destination.port must be a port number.');
}

function readBuffering(input: Record<string, unknown>, defaults: Buffering): Buffering {
  const result = { ...defaults };
  for (const name of Object.keys(LIMITS) as (keyof Buffering)[]) {
    const value = input[name];
    if (value === undefined) continue;
    const [least, most] = LIMITS[name];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw new SubscriptionError(`buffering.${name} must be an integer from ${least} to ${most}.`);
    }
    result[name] = value as number;
  }
  return result;
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SubscriptionError(`${name} must be an object.`);
}
