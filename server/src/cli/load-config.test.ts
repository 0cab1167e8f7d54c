import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { ConfigError, type ConfigSources, loadConfig } from './load-config.ts';
import { settingsTable } from './settings.ts';

const load = (sources: Partial<ConfigSources> & { file?: unknown }) =>
  loadConfig({
    flags: { ...(sources.file === undefined ? {} : { config: 'brume.json' }), ...sources.flags },
    environment: sources.environment ?? {},
    readFile: () => (typeof sources.file === 'string' ? sources.file : JSON.stringify(sources.file)),
  });

test('the defaults', () => {
  assert.deepEqual(load({}), {
    host: '127.0.0.1',
    port: 4566,
    dataDir: resolve('.brume'),
    inMemory: false,
    clock: 'system',
    testing: false,
    logLevel: 'info',
    region: 'us-east-1',
    accessKeys: new Map(),
    functions: { isolation: 'auto', interpreters: {} },
  });
});

test('flags win over the environment, the environment over the file', () => {
  const file = { port: 1, host: 'file', region: 'eu-west-1', functions: { isolation: 'process' } };
  const environment = { BRUME_PORT: '2', BRUME_HOST: 'environment', BRUME_REGION: '' };
  const config = load({ file, environment, flags: { port: '3' } });
  assert.deepEqual(
    [config.port, config.host, config.region, config.functions.isolation],
    [3, 'environment', 'eu-west-1', 'process'],
  );
});

test('every setting can come from each place', () => {
  const keys = new Map([['ID', { secretAccessKey: 's/+=', account: '123456789012' }]]);
  const expected = {
    host: '::1',
    port: 0,
    dataDir: '/data',
    inMemory: true,
    clock: 'virtual',
    testing: true,
    logLevel: 'silent',
    region: 'ap-southeast-2',
    accessKeys: keys,
    functions: { isolation: 'sandbox', interpreters: { 'python3.12': '/opt/python' } },
  };
  const environment = {
    BRUME_HOST: '::1',
    BRUME_PORT: '0',
    BRUME_DATA: '/data',
    BRUME_IN_MEMORY: '1',
    BRUME_CLOCK: 'virtual',
    BRUME_TESTING: 'true',
    BRUME_LOG_LEVEL: 'silent',
    BRUME_REGION: 'ap-southeast-2',
    BRUME_ACCESS_KEYS: 'ID:s/+=:123456789012',
    BRUME_ISOLATION: 'sandbox',
    BRUME_INTERPRETERS: 'python3.12=/opt/python',
  };
  const file = {
    host: '::1',
    port: 0,
    data: '/data',
    inMemory: true,
    clock: 'virtual',
    testing: true,
    logLevel: 'silent',
    region: 'ap-southeast-2',
    accessKeys: [{ accessKeyId: 'ID', secretAccessKey: 's/+=', account: '123456789012' }],
    functions: { isolation: 'sandbox', interpreters: { 'python3.12': '/opt/python' } },
  };
  assert.deepEqual(load({ environment }), expected);
  assert.deepEqual(load({ file }), expected);
});

test('a value that cannot be read is quoted with its place; secrets are not', () => {
  const cases: [Parameters<typeof load>[0], string][] = [
    [{ flags: { port: '99999' } }, '--port: "99999" is not valid; expected a whole number from 0 to 65535.'],
    [
      { environment: { BRUME_PORT: 'tcp://10.0.0.1:4566' } },
      'BRUME_PORT: "tcp://10.0.0.1:4566" is not valid; expected a whole number from 0 to 65535.',
    ],
    [{ file: { port: 1.5 } }, 'port in brume.json: 1.5 is not valid; expected a whole number from 0 to 65535.'],
    [{ environment: { BRUME_TESTING: 'yes' } }, 'BRUME_TESTING: "yes" is not valid; expected true or false.'],
    [{ flags: { clock: 'fast' } }, '--clock: "fast" is not valid; expected system or virtual.'],
    [{ flags: { logLevel: 'all' } }, '--log-level: "all" is not valid; expected debug, info, warn, error or silent.'],
    [
      { environment: { BRUME_REGION: 'mars' } },
      'BRUME_REGION: "mars" is not valid; expected a region such as eu-central-1.',
    ],
    [
      { environment: { BRUME_ACCESS_KEYS: 'ID' } },
      'BRUME_ACCESS_KEYS: entry 1 is not valid; expected id:secret:account, separated by commas.',
    ],
    [
      { environment: { BRUME_ACCESS_KEYS: 'A:secret,B:secret:12' } },
      'BRUME_ACCESS_KEYS: account "12" of key B is not valid; expected an account of 12 digits.',
    ],
    [
      { environment: { BRUME_ACCESS_KEYS: 'A:x,A:y' } },
      'BRUME_ACCESS_KEYS: key A is not valid; expected each key once.',
    ],
    [
      { file: { accessKeys: 'x' } },
      'accessKeys in brume.json: entry 1 is not valid; expected id:secret:account, separated by commas.',
    ],
    [
      { file: { accessKeys: { A: 'secret' } } },
      'accessKeys in brume.json: the value is not valid; expected a list of {"accessKeyId", "secretAccessKey", "account"}.',
    ],
    [
      { environment: { BRUME_INTERPRETERS: 'python' } },
      'BRUME_INTERPRETERS: "python" is not valid; expected runtime=path, separated by commas, such as python3.12=/usr/bin/python3.12.',
    ],
    [
      { file: { ports: 1 } },
      'brume.json: "ports" is not a setting; there are host, port, data, inMemory, clock, testing, logLevel, region, accessKeys, functions.isolation, functions.interpreters.',
    ],
    [
      { file: { functions: { tier: 1 } } },
      'brume.json: "functions.tier" is not a setting; there are host, port, data, inMemory, clock, testing, logLevel, region, accessKeys, functions.isolation, functions.interpreters.',
    ],
    [{ file: '[]' }, 'The configuration file brume.json must hold a JSON object.'],
  ];
  for (const [sources, message] of cases) {
    assert.throws(
      () => load(sources),
      (error) => error instanceof ConfigError && assert.equal(error.message, message) === undefined,
    );
  }
  assert.throws(() => load({ file: '{' }), /^ConfigError: The configuration file brume\.json is not valid JSON: /);
  assert.throws(
    () => loadConfig({ flags: { config: '/no/such/file' }, environment: {} }),
    /\/no\/such\/file cannot be read/,
  );
});

test('the documentation lists every setting as it is', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  assert.ok(page.includes(settingsTable()), `docs/configuration.md must hold this table:\n${settingsTable()}`);
});
