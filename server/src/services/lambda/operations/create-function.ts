// CreateFunction: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html

import type { CreateFunctionRequest, FunctionCode, FunctionConfiguration } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkArchitectures } from '../architectures.ts';
import { checkPackageSource, keepPackage, loadPackage } from '../code-package.ts';
import { readId } from '../code-signing/configs.ts';
import { checkConfigThere, checkSignature } from '../code-signing/functions.ts';
import {
  applyConfiguration,
  checkConfiguration,
  DEFAULT_MANAGED_SETTINGS,
  DEFAULT_SETTINGS,
  showConfiguration,
} from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import type { CodeReference, VersionDocument } from '../documents.ts';
import { checkOwner, functionArn, LATEST, readFunctionName } from '../function-name.ts';
import { readHotReload } from '../hot-reload.ts';
import { checkImageRequest, checkPackageRequest, readImage, withImageConfig } from '../images.ts';
import { readFunctionLayers } from '../layers/function-layers.ts';
import { checkProviderThere } from '../managed/configuration.ts';
import { checkRuntime, checkSnapStart } from '../runtimes.ts';
import { checkTags } from '../tags.ts';
import { refuseTenancy } from '../tenancy.ts';
import { checkPublishTo, publish } from '../versions/publish.ts';

const OPERATION = 'CreateFunction';

export function createFunction(dependencies: LambdaDependencies) {
  return async (input: CreateFunctionRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkOwner(reference, context);
    const isManaged = input.CapacityProviderConfig !== undefined;
    checkConfiguration(input, OPERATION, isManaged);
    checkPublishTo(input.PublishTo, isManaged);
    checkConstraints([{ at: 'packageType', value: input.PackageType, oneOf: ['Zip', 'Image'] }]);
    checkArchitectures(input.Architectures);
    if (input.Code) checkPackageSource(input.Code, 'code.');
    if (input.CodeSigningConfigArn) readId(input.CodeSigningConfigArn);
    checkTags(input.Tags ?? {});
    const isImage = input.PackageType === 'Image';
    if (isImage) checkImageRequest(input);
    else checkPackageRequest(input);
    if (!isImage && (!input.Runtime || !input.Handler)) {
      throw new AwsError(
        'InvalidParameterValueException',
        'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
      );
    }
    const tenancy = input.TenancyConfig && { tenancy: input.TenancyConfig.TenantIsolationMode! };
    if (input.SnapStart?.ApplyOn === 'PublishedVersions') {
      checkSnapStart(input.Runtime ?? 'Container image');
      refuseTenancy({ ...tenancy }, 'SnapStart');
    }
    if (input.DurableConfig) refuseTenancy({ ...tenancy }, 'Durable execution');
    const { table, activation, functions, garbage, clock } = dependencies;
    const runtimeVersionHash = isImage ? '' : await checkRuntime(input.Runtime!, functions);
    if (await table.find(reference.scope, reference.name)) {
      throw new AwsError('ResourceConflictException', `Function already exist: ${reference.name}`, {
        fields: { Type: 'User' },
      });
    }

    const { CodeSigningConfigArn } = input;
    if (CodeSigningConfigArn) {
      await checkConfigThere(dependencies.state.documents, CodeSigningConfigArn, readId(CodeSigningConfigArn), context);
      await checkSignature(dependencies, reference, CodeSigningConfigArn);
    }
    await checkProviderThere(dependencies.state.documents, reference.scope, input.CapacityProviderConfig);
    const layers = await readFunctionLayers(dependencies.state.documents, input.Layers ?? [], context);
    const { code, image } = isImage
      ? await readImage(functions, input.Code!.ImageUri)
      : { code: await readCode(dependencies, input.Code!, context) };
    const latest: VersionDocument = {
      ...applyConfiguration(input, isManaged ? DEFAULT_MANAGED_SETTINGS : DEFAULT_SETTINGS, reference.name, layers),
      ...tenancy,
      version: LATEST,
      packageType: isImage ? 'Image' : 'Zip',
      architectures: input.Architectures?.length ? input.Architectures : ['x86_64'],
      code,
      ...(image ? { image: withImageConfig(image, input.ImageConfig) } : {}),
      runtimeVersionHash,
      lastModifiedMs: clock.now(),
      revisionId: uuid(),
      state: 'Pending',
      updating: false,
    };
    let published: VersionDocument | undefined;
    try {
      const document = {
        name: reference.name,
        latest,
        tags: input.Tags ?? {},
        ...(CodeSigningConfigArn ? { codeSigningConfigArn: CodeSigningConfigArn } : {}),
      };
      await table.create(reference.scope, document, async (tx) => {
        if (input.Publish || input.PublishTo) {
          published = await publish(tx, reference.scope, document, { to: input.PublishTo });
        }
      });
    } catch (error) {
      if (code.objectId !== '') await garbage.discard(code.objectId);
      throw error;
    }
    activation.begin(reference);
    if (published?.managed) dependencies.managed.begin({ ...reference, qualifier: published.version });
    // Also of a published version, AWS tells the ARN of the function here.
    return {
      ...showConfiguration(reference, { ...(published ?? latest), state: 'Pending' }),
      FunctionArn: functionArn(reference),
    };
  };
}

async function readCode(
  dependencies: LambdaDependencies,
  source: FunctionCode,
  context: RequestContext,
): Promise<CodeReference> {
  const hot = await readHotReload(dependencies.config, source);
  return hot ?? keepPackage(dependencies, await loadPackage(dependencies, source, context, OPERATION));
}
