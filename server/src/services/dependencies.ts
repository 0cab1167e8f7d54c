// What main hands to every service.

import type { OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import type { Config } from '#core/config.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { AlarmEngine } from '#engines/alarms/alarm-engine.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { FunctionEngine } from '#engines/functions/function-engine.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import type { MetricStore } from '#engines/metrics/metric-store.ts';
import type { ObjectStore } from '#storage/objects/objects.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';

export interface ServiceDependencies {
  config: Config;
  clock: Clock;
  log: Logger;
  meter: Meter;
  state: StateStore;
  objects: ObjectStore;
  telemetry: Telemetry;
  /** Another service's operation, in process. */
  call: OperationCall;
  delivery: Delivery;
  metrics: MetricStore;
  logs: LogStore;
  alarms: AlarmEngine;
  functions: FunctionEngine;
}
