// The composition root: config -> storage -> engines -> services -> listener.

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationCall } from '#core/caller.ts';
import { SystemClock, VirtualClock } from '#core/clock.ts';
import type { Config } from '#core/config.ts';
import { createLogger } from '#core/log.ts';
import { createAlarmEngine } from '#engines/alarms/alarm-engine.ts';
import { createDelivery } from '#engines/delivery/delivery.ts';
import { createFunctionEngine } from '#engines/functions/function-engine.ts';
import { createLogStore } from '#engines/logs/log-store.ts';
import { createMeter } from '#engines/metrics/meter.ts';
import { createMetricStore } from '#engines/metrics/metric-store.ts';
import { createCloudWatchService } from '#services/cloudwatch/service.ts';
import type { ServiceDependencies } from '#services/dependencies.ts';
import { createIamService } from '#services/iam/service.ts';
import { lookUpBearerToken } from '#services/iam/service-credentials.ts';
import { createLambdaService } from '#services/lambda/service.ts';
import { createLogsService } from '#services/logs/service.ts';
import { createS3Service } from '#services/s3/service.ts';
import { createSnsService } from '#services/sns/service.ts';
import { createSqsService } from '#services/sqs/service.ts';
import { createStsService } from '#services/sts/service.ts';
import { lookUpSession } from '#services/sts/sessions.ts';
import { openDataDir } from '#storage/data-dir.ts';
import { openObjectStore } from '#storage/objects/file-objects.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import { Authenticator } from '#wire/authenticator.ts';
import { createListener } from '#wire/listener.ts';
import { createAdmin } from './admin.ts';
import { readVersion } from './version.ts';

export interface Brume {
  /** `http://127.0.0.1:4566` */
  endpoint: string;
  health(): Record<string, unknown>;
  /** Empties everything and forgets what is in memory. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** How long open requests may take to end before their connections are cut. */
const LONGEST_DRAIN_MS = 5_000;

export class UnsafeBindingError extends Error {
  constructor(host: string) {
    super(
      `Brume refuses to listen on ${host} without access keys: anyone who reaches it could run code. ` +
        'Set BRUME_ACCESS_KEYS (id:secret:account, comma-separated), or listen on 127.0.0.1.',
    );
    this.name = 'UnsafeBindingError';
  }
}

/** Starts a whole Brume in this process. Rejects with what stands in the way: port taken, directory locked, unsafe binding. */
export async function startBrume(given: Config): Promise<Brume> {
  const config = { ...given };
  if (!isLoopback(config.host) && config.accessKeys.size === 0) throw new UnsafeBindingError(config.host);
  const log = createLogger(config.logLevel);
  const clock = config.clock === 'virtual' ? new VirtualClock(Date.now()) : new SystemClock();
  const durable = !config.inMemory;
  const dir = config.inMemory ? mkdtempSync(join(tmpdir(), 'brume-')) : config.dataDir;
  const dataDir = openDataDir(dir);

  const state = await openStateStore({ dir: dataDir.stateDir, durable, log });
  const objects = await openObjectStore({ dir: dataDir.objectsDir, durable });
  const telemetry = await openTelemetry({ dir: dataDir.telemetryDir, durable, log });

  // Services and engines call one another's operations, but only once all of them stand.
  const call: OperationCall = (...args) => listener.call(...args) as never;
  const delivery = createDelivery({ state, clock, call, log });
  const metrics = createMetricStore({ state, telemetry, clock, log });
  const meter = createMeter({ metrics, clock, log });
  const logs = createLogStore({ state, telemetry, clock, metrics, meter, log });
  const alarms = createAlarmEngine({ state, metrics, clock, call, delivery, log });
  const functions = createFunctionEngine({
    config,
    clock,
    logs,
    meter,
    log,
    dir: dataDir.scratchDir,
    fileSystemsDir: dataDir.fileSystemsDir,
  });

  const dependencies: ServiceDependencies = {
    config,
    clock,
    log,
    meter,
    state,
    objects,
    telemetry,
    call,
    delivery,
    metrics,
    logs,
    alarms,
    functions,
  };
  const services = [
    createS3Service(dependencies),
    createSqsService(dependencies),
    createSnsService(dependencies),
    createCloudWatchService(dependencies),
    createLogsService(dependencies),
    createLambdaService(dependencies),
    createStsService(dependencies),
    createIamService(dependencies),
  ];
  const reset = async () => {
    await functions.reset();
    await state.reset();
    await telemetry.reset();
    await objects.reset();
    await alarms.reset();
    for (const service of services) await service.reset?.();
  };
  const health = () => ({
    status: 'ok',
    version: readVersion(),
    node: process.version,
    clock: { kind: config.clock, now: new Date(clock.now()).toISOString() },
    durable,
    telemetry: telemetry.status(),
    services: Object.fromEntries(services.map((service) => [service.name, Object.keys(service.operations).length])),
  });
  const listener = createListener({
    services,
    authenticator: new Authenticator({
      accessKeys: config.accessKeys,
      findSession: (accessKeyId) => lookUpSession(state, accessKeyId),
      findBearer: (token) => lookUpBearerToken(state, token),
      now: () => clock.now(),
    }),
    log,
    defaultRegion: config.region,
    admin: createAdmin({ testing: config.testing, clock, health, reset }),
  });

  const { server } = listener;
  const closeStores = async () => {
    await telemetry.close();
    await state.close();
    dataDir.close();
    if (config.inMemory) await rm(dir, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(config.port, config.host, () => resolve(server.off('error', reject) && undefined));
    });
  } catch (error) {
    await closeStores();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  config.port = port;
  for (const service of services) await service.start?.();
  await delivery.start();
  await alarms.start();

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), LONGEST_DRAIN_MS);
    await alarms.stop();
    await delivery.stop();
    for (const service of services) await service.stop?.();
    await functions.stop();
    server.closeIdleConnections();
    await closed;
    clearTimeout(timer);
    await meter.flush();
    await meter.stop();
    await closeStores();
  };
  return { endpoint, health, reset, stop: () => (stopping ??= stop()) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
