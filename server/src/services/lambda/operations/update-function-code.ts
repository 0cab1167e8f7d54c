// UpdateFunctionCode: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html

import type { FunctionConfiguration, UpdateFunctionCodeRequest } from '@aws-sdk/client-lambda';
import { notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import { CodeStore } from '#engines/functions/function-engine.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkArchitectures } from '../architectures.ts';
import { keepPackage, loadPackage } from '../code-package.ts';
import { checkSignature } from '../code-signing/functions.ts';
import { showConfiguration } from '../configuration.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS, type FunctionDocument, type VersionDocument } from '../documents.ts';
import { readFunctionName } from '../function-name.ts';
import { unnamedPackages } from '../packages.ts';
import { checkRevision } from '../revision.ts';
import { publish } from '../versions/publish.ts';

const OPERATION = 'UpdateFunctionCode';

export function updateFunctionCode(dependencies: LambdaDependencies) {
  const { table, activation, invoker, garbage, clock } = dependencies;
  return async (input: UpdateFunctionCodeRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkArchitectures(input.Architectures);
    if (input.PublishTo) throw notImplemented(OPERATION, 'PublishTo');
    await activation.settled(reference);
    const before = await table.get(reference);
    checkRevision(input.RevisionId, before.latest.revisionId);

    await checkSignature(dependencies, reference, before.codeSigningConfigArn);
    const zip = await loadPackage(dependencies, input, context, OPERATION);
    if (input.DryRun) {
      const code = { objectId: '', sizeBytes: zip.byteLength, sha256: CodeStore.hash(zip) };
      return showConfiguration(reference, { ...before.latest, code });
    }
    const code = await keepPackage(dependencies, zip);
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
            updating: true,
          },
        };
        await tx.documents.put(FUNCTIONS, reference.scope, reference.name, changed);
        if (input.Publish) published = await publish(tx, reference.scope, changed);
        const replaced = await unnamedPackages(tx, reference.scope, reference.name, [document.latest.code.objectId]);
        dropped = await garbage.condemn(tx, replaced);
        return (await tx.documents.get(FUNCTIONS, reference.scope, reference.name))!;
      });
    } catch (error) {
      await garbage.discard(code.objectId);
      throw error;
    }
    await invoker.retire(reference, after.latest.version);
    garbage.collect(dropped);
    activation.begin(reference);
    return showConfiguration(reference, published ? { ...published, state: 'Pending' } : after.latest);
  };
}
