// UpdateFunctionCode: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html

import type { FunctionConfiguration, UpdateFunctionCodeRequest } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import { CodeStore } from '#engines/functions/function-engine.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkArchitectures } from '../architectures.ts';
import { checkPackageSource, keepPackage, loadPackage } from '../code-package.ts';
import { checkSignature } from '../code-signing/functions.ts';
import { showConfiguration } from '../configuration.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import {
  type CodeReference,
  FUNCTIONS,
  type FunctionDocument,
  type ImageDocument,
  type VersionDocument,
} from '../documents.ts';
import { checkOwner, readFunctionName } from '../function-name.ts';
import { readHotReload } from '../hot-reload.ts';
import { readImage } from '../images.ts';
import { unnamedPackages } from '../packages.ts';
import { checkRevision } from '../revision.ts';
import { checkPublishTo, publish, replacedPackages } from '../versions/publish.ts';

const OPERATION = 'UpdateFunctionCode';

export function updateFunctionCode(dependencies: LambdaDependencies) {
  const { table, activation, invoker, garbage, clock, managed } = dependencies;
  return async (input: UpdateFunctionCodeRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkOwner(reference, context);
    checkArchitectures(input.Architectures);
    checkPackageSource(input, '');
    await activation.settled(reference);
    const before = await table.get(reference);
    checkPublishTo(input.PublishTo, before.latest.managed !== undefined);
    checkRevision(input.RevisionId, before.latest.revisionId);

    await checkSignature(dependencies, reference, before.codeSigningConfigArn);
    checkSource(input, before.latest);
    const found = before.latest.image
      ? await readImage(dependencies.functions, input.ImageUri)
      : await readSource(dependencies, input, context);
    if (input.DryRun) {
      const change = 'code' in found ? found : { code: unkept(found) };
      return showConfiguration(reference, { ...before.latest, ...change });
    }
    const { code, image } =
      'code' in found ? found : { code: await keepPackage(dependencies, found), image: undefined };
    let dropped: string[] = [];
    let published: VersionDocument | undefined;
    let after: FunctionDocument;
    try {
      after = await table.update(reference, async (document, tx) => {
        const { runningRevision: _, ...latest } = document.latest;
        checkRevision(input.RevisionId, latest.revisionId);
        const changed: FunctionDocument = {
          ...document,
          latest: {
            ...latest,
            lastModifiedMs: clock.now(),
            revisionId: uuid(),
            architectures: input.Architectures?.length ? input.Architectures : document.latest.architectures,
            code,
            ...(image ? { image: keepOverrides(image, latest) } : {}),
            updating: true,
          },
        };
        await tx.documents.put(FUNCTIONS, reference.scope, reference.name, changed);
        const { scope, name } = reference;
        const packages = [
          document.latest.code.objectId,
          ...(input.PublishTo ? await replacedPackages(tx, scope, name) : []),
        ];
        if (input.Publish || input.PublishTo) published = await publish(tx, scope, changed, { to: input.PublishTo });
        const replaced = await unnamedPackages(tx, scope, name, packages);
        dropped = await garbage.condemn(tx, replaced);
        return (await tx.documents.get(FUNCTIONS, reference.scope, reference.name))!;
      });
    } catch (error) {
      if (code.objectId !== '') await garbage.discard(code.objectId);
      throw error;
    }
    await invoker.retire(reference, after.latest.version);
    garbage.collect(dropped);
    activation.begin(reference);
    if (published?.managed) managed.begin({ ...reference, qualifier: published.version });
    return showConfiguration(reference, published ? { ...published, state: 'Pending' } : after.latest);
  };
}

function checkSource(input: UpdateFunctionCodeRequest, { image }: VersionDocument): void {
  const type = image ? 'Image' : 'Zip';
  if (image && !input.ImageUri)
    throw invalid(`Please provide ImageUri when updating a function with packageType ${type}.`);
  if (!image && input.ImageUri) {
    throw invalid(`Please don't provide ImageUri when updating a function with packageType ${type}.`);
  }
}

function unkept(zip: Uint8Array): CodeReference {
  return { objectId: '', sizeBytes: zip.byteLength, sha256: CodeStore.hash(zip) };
}

/** The new image is run as the one before it was configured to be. */
function keepOverrides(image: ImageDocument, { image: before }: Pick<VersionDocument, 'image'>): ImageDocument {
  return before?.overrides ? { ...image, overrides: before.overrides } : image;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}

async function readSource(
  dependencies: LambdaDependencies,
  input: UpdateFunctionCodeRequest,
  context: RequestContext,
): Promise<Uint8Array | { code: CodeReference; image: undefined }> {
  const code = await readHotReload(dependencies.config, input);
  return code ? { code, image: undefined } : loadPackage(dependencies, input, context, OPERATION);
}
