// UpdateFunctionConfiguration: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html

import type { FunctionConfiguration, UpdateFunctionConfigurationRequest } from '@aws-sdk/client-lambda';
import { uuid } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import {
  applyConfiguration,
  type ConfigurationInput,
  checkConfiguration,
  showConfiguration,
} from '../configuration.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { checkStaysDurable } from '../durable-config.ts';
import { checkOwner, readFunctionName } from '../function-name.ts';
import { checkImageRequest, checkPackageRequest, withImageConfig } from '../images.ts';
import { readFunctionLayers } from '../layers/function-layers.ts';
import { checkProviderThere, checkStaysManaged } from '../managed/configuration.ts';
import { checkRevision } from '../revision.ts';
import { checkRuntime, checkSnapStart } from '../runtimes.ts';
import { refuseTenancy } from '../tenancy.ts';

const OPERATION = 'UpdateFunctionConfiguration';

export function updateFunctionConfiguration({
  table,
  activation,
  invoker,
  functions,
  clock,
  state,
}: LambdaDependencies) {
  return async (input: UpdateFunctionConfigurationRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkOwner(reference, context);
    const settings = input as ConfigurationInput;
    const there = await table.find(reference.scope, reference.name);
    checkConfiguration(settings, OPERATION, there?.latest.managed !== undefined);
    await checkProviderThere(state.documents, reference.scope, input.CapacityProviderConfig);
    const runtimeVersionHash = input.Runtime && (await checkRuntime(input.Runtime, functions));
    const layers = input.Layers && (await readFunctionLayers(state.documents, input.Layers, context));
    await activation.settled(reference);
    const after = await table.update(reference, (document) => {
      const { latest } = document;
      if (latest.image) checkImageRequest(input);
      else checkPackageRequest(input);
      checkRevision(input.RevisionId, latest.revisionId);
      checkStaysDurable(input.DurableConfig, latest);
      checkStaysManaged(input.CapacityProviderConfig, latest.managed);
      if (input.SnapStart?.ApplyOn === 'PublishedVersions') {
        checkSnapStart(input.Runtime ?? (latest.image ? 'Container image' : latest.runtime));
        refuseTenancy(latest, 'SnapStart');
      }
      const {
        environment,
        kmsKeyArn,
        deadLetterArn,
        vpc,
        layers: layersBefore,
        fileSystems,
        runningRevision,
        ...rest
      } = latest;
      return {
        ...document,
        latest: {
          ...rest,
          ...applyConfiguration(settings, latest, document.name, layers ?? layersBefore),
          ...(latest.image ? { image: withImageConfig(latest.image, input.ImageConfig) } : {}),
          ...(runtimeVersionHash ? { runtimeVersionHash } : {}),
          lastModifiedMs: clock.now(),
          revisionId: uuid(),
          updating: true,
        },
      };
    });
    await invoker.retire(reference, after.latest.version);
    activation.begin(reference);
    return showConfiguration(reference, after.latest);
  };
}
