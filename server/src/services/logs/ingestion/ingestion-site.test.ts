import assert from 'node:assert/strict';
import test from 'node:test';
import { createIngestionSite } from './ingestion-site.ts';

test('which requests are log events', () => {
  const site = createIngestionSite({} as never);
  const rows: [method: string, host: string, url: string, expected: boolean][] = [
    ['POST', 'localhost:4566', '/v1/logs', true],
    ['POST', 'logs.eu-west-1.localhost', '/ingest/bulk?logStream=s&logGroup=g', true],
    ['POST', 'localhost:4566', '/ingest/json?x=1&logGroup=g', true],
    ['POST', 'localhost:4566', '/services/collector/event', true],
    ['GET', 'localhost:4566', '/ingest/json', false],
    ['PUT', 'localhost:4566', '/ingest/json', false],
    ['POST', 'localhost:4566', '/ingest/json?uploads', false],
    ['POST', 'localhost:4566', '/ingest/json?uploadId=x', false],
    ['POST', 'localhost:4566', '/ingest/json/more', false],
    ['POST', 'abc.lambda-url.us-east-1.localhost', '/v1/logs', false],
    ['POST', 'localhost:4566', '/', false],
  ];
  for (const [method, host, url, expected] of rows) {
    assert.equal(site.claims(host, url, method), expected, `${method} ${host} ${url}`);
  }
});
