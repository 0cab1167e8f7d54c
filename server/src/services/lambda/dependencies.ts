// What the operations of Lambda share.

import type { DurableExecutions } from '#engines/durable-executions/durable-executions.ts';
import type { Garbage } from '#storage/objects/garbage.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import type { Activation } from './activation.ts';
import type { AsynchronousInvocations } from './asynchronous-invocations.ts';
import type { CodeLocations } from './code-locations.ts';
import type { FunctionTable } from './function-table.ts';
import type { Invoker } from './invoker.ts';
import type { ManagedVersions } from './managed/managed-versions.ts';
import type { Provisioner } from './provisioned/provisioner.ts';

export interface LambdaDependencies extends ServiceDependencies {
  table: FunctionTable;
  activation: Activation;
  invoker: Invoker;
  asynchronous: AsynchronousInvocations;
  garbage: Garbage;
  locations: CodeLocations;
  provisioner: Provisioner;
  managed: ManagedVersions;
  durable: DurableExecutions;
}
