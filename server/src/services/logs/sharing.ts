// The part of the service that sends log events on: subscriptions, with the ways to their destinations, and exports.

import { Subscriptions } from '#engines/logs/subscriptions/subscriptions.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { ExportRunner } from './exports/export-runner.ts';
import type { Sharing } from './logs.ts';
import { deliver, isOwnGroup } from './subscriptions/destination.ts';

type SharingDependencies = Pick<
  ServiceDependencies,
  'logs' | 'clock' | 'state' | 'telemetry' | 'call' | 'delivery' | 'meter' | 'log'
>;

export function createSharing(dependencies: SharingDependencies): Sharing {
  const { logs: store, clock, state, telemetry, call, delivery, meter, log } = dependencies;
  const subscriptions = new Subscriptions({
    store,
    state,
    telemetry,
    clock,
    log,
    meter,
    send: (group, destination, payload) => deliver(sharing, group.scope, `${group.arn}:*`, destination, payload),
    isOwnGroup: (group, destination) => isOwnGroup(sharing, group, destination),
  });
  const exports = new ExportRunner({ store, state, clock, call, log });
  const sharing: Sharing = { state, clock, call, delivery, subscriptions, exports };
  return sharing;
}
