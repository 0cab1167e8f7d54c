// UpdateFunctionCode: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html

import type { FunctionConfiguration, UpdateFunctionCodeRequest } from '@aws-sdk/client-lambda';
import { notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import { CodeStore } from '#engines/functions/function-engine.ts';
import type { RequestContext } from '#wire/service.ts';
import { keepPackage, loadPackage } from '../code-package.ts';
import { showConfiguration } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { readFunctionName } from '../function-name.ts';
import { checkRevision } from '../revision.ts';

const OPERATION = 'UpdateFunctionCode';

export function updateFunctionCode(dependencies: LambdaDependencies) {
  const { table, activation, invoker, objects, clock } = dependencies;
  return async (input: UpdateFunctionCodeRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkConstraints(
      (input.Architectures ?? []).map((value) => ({ at: 'architectures', value, oneOf: ['x86_64', 'arm64'] })),
    );
    if (input.Publish) throw notImplemented(OPERATION, 'Publish');
    if (input.PublishTo) throw notImplemented(OPERATION, 'PublishTo');
    await activation.settled(reference);
    const before = await table.get(reference);
    checkRevision(input.RevisionId, before.latest.revisionId);

    const zip = await loadPackage(dependencies, input, context, OPERATION);
    if (input.DryRun) {
      const code = { objectId: '', sizeBytes: zip.byteLength, sha256: CodeStore.hash(zip) };
      return showConfiguration(reference, { ...before.latest, code });
    }
    const code = await keepPackage(dependencies, zip);
    let replaced = before.latest.code.objectId;
    let after: Awaited<ReturnType<typeof table.update>>;
    try {
      after = await table.update(reference, (document) => {
        checkRevision(input.RevisionId, document.latest.revisionId);
        replaced = document.latest.code.objectId;
        return {
          ...document,
          latest: {
            ...document.latest,
            lastModifiedMs: clock.now(),
            revisionId: uuid(),
            architectures: input.Architectures ?? document.latest.architectures,
            code,
            updating: true,
          },
        };
      });
    } catch (error) {
      await objects.remove([code.objectId]);
      throw error;
    }
    await invoker.retire(reference, after.latest.version);
    await objects.remove([replaced]);
    activation.begin(reference);
    return showConfiguration(reference, after.latest);
  };
}
