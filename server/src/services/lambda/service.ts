// AWS Lambda: table of operations.

import { createRequire } from 'node:module';
import { Garbage } from '#storage/objects/garbage.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { Activation } from './activation.ts';
import { createAlias, deleteAlias, getAlias, listAliases, updateAlias } from './aliases/operations.ts';
import { AsynchronousInvocations } from './asynchronous-invocations.ts';
import { CodeLocations } from './code-locations.ts';
import {
  createCodeSigningConfig,
  deleteCodeSigningConfig,
  getCodeSigningConfig,
  listCodeSigningConfigs,
  updateCodeSigningConfig,
} from './code-signing/configs.ts';
import {
  deleteFunctionCodeSigningConfig,
  getFunctionCodeSigningConfig,
  listFunctionsByCodeSigningConfig,
  putFunctionCodeSigningConfig,
} from './code-signing/functions.ts';
import type { LambdaDependencies } from './dependencies.ts';
import { createDurableExecutions, runDurable } from './durable-invocations.ts';
import {
  deleteFunctionEventInvokeConfig,
  getFunctionEventInvokeConfig,
  listFunctionEventInvokeConfigs,
  putFunctionEventInvokeConfig,
  updateFunctionEventInvokeConfig,
} from './event-invoke/operations.ts';
import { createEventSourceMappings } from './event-source-mappings/operations.ts';
import { FunctionTable } from './function-table.ts';
import { isFunctionUrl, serveFunctionUrl } from './function-urls/endpoint.ts';
import {
  createFunctionUrlConfig,
  deleteFunctionUrlConfig,
  getFunctionUrlConfig,
  listFunctionUrlConfigs,
  updateFunctionUrlConfig,
} from './function-urls/operations.ts';
import { Invoker } from './invoker.ts';
import {
  deleteLayerVersion,
  getLayerVersion,
  getLayerVersionByArn,
  listLayers,
  listLayerVersions,
  publishLayerVersion,
} from './layers/operations.ts';
import {
  addLayerVersionPermission,
  getLayerVersionPolicy,
  removeLayerVersionPermission,
} from './layers/permissions.ts';
import {
  createCapacityProvider,
  deleteCapacityProvider,
  getCapacityProvider,
  listCapacityProviders,
  listFunctionVersionsByCapacityProvider,
  updateCapacityProvider,
} from './managed/capacity-providers.ts';
import { getFunctionScalingConfig, putFunctionScalingConfig } from './managed/function-scaling.ts';
import { ManagedVersions } from './managed/managed-versions.ts';
import {
  deleteFunctionConcurrency,
  getAccountSettings,
  getFunctionConcurrency,
  putFunctionConcurrency,
} from './operations/concurrency.ts';
import { createFunction } from './operations/create-function.ts';
import { deleteFunction } from './operations/delete-function.ts';
import {
  sendDurableExecutionCallbackFailure,
  sendDurableExecutionCallbackHeartbeat,
  sendDurableExecutionCallbackSuccess,
} from './operations/durable-callbacks.ts';
import { checkpointDurableExecution, getDurableExecutionState } from './operations/durable-checkpoints.ts';
import {
  getDurableExecution,
  getDurableExecutionHistory,
  listDurableExecutionsByFunction,
  stopDurableExecution,
} from './operations/durable-executions.ts';
import { getFunction, getFunctionConfiguration } from './operations/get-function.ts';
import { invoke } from './operations/invoke.ts';
import { invokeAsync } from './operations/invoke-async.ts';
import { invokeWithResponseStream } from './operations/invoke-with-response-stream.ts';
import { listFunctions, listVersionsByFunction } from './operations/list-functions.ts';
import { addPermission, getPolicy, removePermission } from './operations/permissions.ts';
import { deleteResourcePolicy, getResourcePolicy, putResourcePolicy } from './operations/resource-policies.ts';
import { listTags, tagResource, untagResource } from './operations/tagging.ts';
import { updateFunctionCode } from './operations/update-function-code.ts';
import { updateFunctionConfiguration } from './operations/update-function-configuration.ts';
import { BLOB_OWNER, strikeNamedPackages } from './packages.ts';
import {
  deleteProvisionedConcurrencyConfig,
  getProvisionedConcurrencyConfig,
  listProvisionedConcurrencyConfigs,
  putProvisionedConcurrencyConfig,
} from './provisioned/operations.ts';
import { Provisioner } from './provisioned/provisioner.ts';
import { getFunctionRecursionConfig, putFunctionRecursionConfig } from './settings/recursion-config.ts';
import { getRuntimeManagementConfig, putRuntimeManagementConfig } from './settings/runtime-management.ts';
import { publishVersion } from './versions/publish-version.ts';

const require = createRequire(import.meta.url);

export const LAMBDA_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-lambda'),
  signingName: 'lambda',
  protocols: ['restJson1'],
  // A 50 MB package travels as base64.
  largestBodyBytes: 72 * 1024 * 1024,
};

export function createLambdaService(common: ServiceDependencies): Service {
  const { state, clock, meter, delivery } = common;
  const { objects } = common;
  const log = common.log.with({ service: 'lambda' });
  const table = new FunctionTable(state);
  const activation = new Activation(table, log);
  const invoker = new Invoker({ ...common, table });
  const asynchronous = new AsynchronousInvocations({
    state,
    clock,
    log,
    meter,
    delivery,
    table,
    run: (reference, target, request) => invoker.run(reference, target, request),
  });
  const garbage = new Garbage({
    state,
    objects,
    log,
    owner: BLOB_OWNER,
    strikeNamed: (unnamed, stopped) => strikeNamedPackages(state, unnamed, stopped),
    processStartMs: performance.timeOrigin,
  });
  const locations = new CodeLocations(clock, objects);
  const provisioner = new Provisioner({ state, clock, table, invoker, meter, log });
  invoker.provisioned = provisioner;
  const managed = new ManagedVersions({ state, clock, table, invoker, log });
  invoker.managed = managed;
  const durable = createDurableExecutions({ state, clock, log, meter, delivery, table, activation, invoker });
  invoker.startDurable = (reference, target, request) => runDurable(durable, reference, target, request);
  const dependencies: LambdaDependencies = {
    ...common,
    table,
    activation,
    invoker,
    asynchronous,
    garbage,
    locations,
    provisioner,
    managed,
    durable,
  };
  const mappings = createEventSourceMappings(dependencies);
  return {
    name: 'lambda',
    model: LAMBDA_MODEL,
    operations: {
      ...mappings.operations,
      AddLayerVersionPermission: addLayerVersionPermission(dependencies),
      AddPermission: addPermission(dependencies),
      CheckpointDurableExecution: checkpointDurableExecution(dependencies),
      CreateAlias: createAlias(dependencies),
      CreateCapacityProvider: createCapacityProvider(dependencies),
      CreateCodeSigningConfig: createCodeSigningConfig(dependencies),
      CreateFunction: createFunction(dependencies),
      CreateFunctionUrlConfig: createFunctionUrlConfig(dependencies),
      DeleteAlias: deleteAlias(dependencies),
      DeleteCapacityProvider: deleteCapacityProvider(dependencies),
      DeleteCodeSigningConfig: deleteCodeSigningConfig(dependencies),
      DeleteFunction: deleteFunction(dependencies),
      DeleteFunctionCodeSigningConfig: deleteFunctionCodeSigningConfig(dependencies),
      DeleteFunctionConcurrency: deleteFunctionConcurrency(dependencies),
      DeleteFunctionUrlConfig: deleteFunctionUrlConfig(dependencies),
      DeleteFunctionEventInvokeConfig: deleteFunctionEventInvokeConfig(dependencies),
      DeleteProvisionedConcurrencyConfig: deleteProvisionedConcurrencyConfig(dependencies),
      DeleteResourcePolicy: deleteResourcePolicy(dependencies),
      DeleteLayerVersion: deleteLayerVersion(dependencies),
      GetAccountSettings: getAccountSettings(dependencies),
      GetAlias: getAlias(dependencies),
      GetCapacityProvider: getCapacityProvider(dependencies),
      GetCodeSigningConfig: getCodeSigningConfig(dependencies),
      GetDurableExecution: getDurableExecution(dependencies),
      GetDurableExecutionHistory: getDurableExecutionHistory(dependencies),
      GetDurableExecutionState: getDurableExecutionState(dependencies),
      GetFunction: getFunction(dependencies),
      GetFunctionCodeSigningConfig: getFunctionCodeSigningConfig(dependencies),
      GetFunctionConcurrency: getFunctionConcurrency(dependencies),
      GetFunctionConfiguration: getFunctionConfiguration(dependencies),
      GetFunctionEventInvokeConfig: getFunctionEventInvokeConfig(dependencies),
      GetFunctionUrlConfig: getFunctionUrlConfig(dependencies),
      GetFunctionScalingConfig: getFunctionScalingConfig(dependencies),
      GetFunctionRecursionConfig: getFunctionRecursionConfig(dependencies),
      GetLayerVersion: getLayerVersion(dependencies),
      GetLayerVersionByArn: getLayerVersionByArn(dependencies),
      GetLayerVersionPolicy: getLayerVersionPolicy(dependencies),
      GetPolicy: getPolicy(dependencies),
      GetProvisionedConcurrencyConfig: getProvisionedConcurrencyConfig(dependencies),
      GetResourcePolicy: getResourcePolicy(dependencies),
      GetRuntimeManagementConfig: getRuntimeManagementConfig(dependencies),
      Invoke: invoke(dependencies),
      InvokeAsync: invokeAsync(dependencies),
      InvokeWithResponseStream: invokeWithResponseStream(dependencies),
      ListAliases: listAliases(dependencies),
      ListCapacityProviders: listCapacityProviders(dependencies),
      ListDurableExecutionsByFunction: listDurableExecutionsByFunction(dependencies),
      ListFunctionEventInvokeConfigs: listFunctionEventInvokeConfigs(dependencies),
      ListFunctionUrlConfigs: listFunctionUrlConfigs(dependencies),
      ListCodeSigningConfigs: listCodeSigningConfigs(dependencies),
      ListFunctionsByCodeSigningConfig: listFunctionsByCodeSigningConfig(dependencies),
      ListFunctionVersionsByCapacityProvider: listFunctionVersionsByCapacityProvider(dependencies),
      ListFunctions: listFunctions(dependencies),
      ListLayerVersions: listLayerVersions(dependencies),
      ListLayers: listLayers(dependencies),
      ListProvisionedConcurrencyConfigs: listProvisionedConcurrencyConfigs(dependencies),
      ListTags: listTags(dependencies),
      ListVersionsByFunction: listVersionsByFunction(dependencies),
      PublishLayerVersion: publishLayerVersion(dependencies),
      PublishVersion: publishVersion(dependencies),
      PutResourcePolicy: putResourcePolicy(dependencies),
      PutFunctionCodeSigningConfig: putFunctionCodeSigningConfig(dependencies),
      PutFunctionConcurrency: putFunctionConcurrency(dependencies),
      PutFunctionScalingConfig: putFunctionScalingConfig(dependencies),
      PutFunctionRecursionConfig: putFunctionRecursionConfig(dependencies),
      PutProvisionedConcurrencyConfig: putProvisionedConcurrencyConfig(dependencies),
      PutRuntimeManagementConfig: putRuntimeManagementConfig(dependencies),
      PutFunctionEventInvokeConfig: putFunctionEventInvokeConfig(dependencies),
      RemoveLayerVersionPermission: removeLayerVersionPermission(dependencies),
      RemovePermission: removePermission(dependencies),
      SendDurableExecutionCallbackFailure: sendDurableExecutionCallbackFailure(dependencies),
      SendDurableExecutionCallbackHeartbeat: sendDurableExecutionCallbackHeartbeat(dependencies),
      SendDurableExecutionCallbackSuccess: sendDurableExecutionCallbackSuccess(dependencies),
      StopDurableExecution: stopDurableExecution(dependencies),
      TagResource: tagResource(dependencies),
      UntagResource: untagResource(dependencies),
      UpdateAlias: updateAlias(dependencies),
      UpdateCapacityProvider: updateCapacityProvider(dependencies),
      UpdateCodeSigningConfig: updateCodeSigningConfig(dependencies),
      UpdateFunctionCode: updateFunctionCode(dependencies),
      UpdateFunctionConfiguration: updateFunctionConfiguration(dependencies),
      UpdateFunctionUrlConfig: updateFunctionUrlConfig(dependencies),
      UpdateFunctionEventInvokeConfig: updateFunctionEventInvokeConfig(dependencies),
    },
    web: {
      claims: (host, url) => isFunctionUrl(host, url) || locations.claims(url),
      serve: (exchange) =>
        isFunctionUrl(exchange.host, exchange.rawPath)
          ? serveFunctionUrl(dependencies, exchange)
          : locations.serve(exchange),
    },
    async start() {
      await garbage.start();
      await activation.recover(state);
      await asynchronous.start();
      await durable.start();
      await provisioner.start();
      await managed.start();
      await mappings.start();
    },
    async stop() {
      await mappings.stop();
      await activation.allSettled();
      provisioner.stop();
      managed.stop();
      await asynchronous.stop();
      await durable.stop();
      await garbage.stop(clock.now());
    },
    async reset() {
      await mappings.reset();
      await activation.allSettled();
      table.reset();
      garbage.forget();
      await provisioner.settled();
      provisioner.reset();
      await managed.settled();
      managed.reset();
      invoker.reset();
      await asynchronous.reset();
      durable.reset();
    },
  };
}
