// PublishVersion: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html

import type { FunctionConfiguration, PublishVersionRequest } from '@aws-sdk/client-lambda';
import { notImplemented } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { showConfiguration } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { functionNotFound, LATEST, readFunctionName } from '../function-name.ts';
import { checkRevision } from '../revision.ts';
import { publish } from './publish.ts';

export function publishVersion({ table, activation }: LambdaDependencies) {
  return async (input: PublishVersionRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkConstraints([{ at: 'description', value: input.Description, max: 256 }]);
    if (input.PublishTo !== undefined) throw notImplemented('PublishVersion', 'PublishTo');
    await activation.settled(reference);
    const version = await table.write(reference, async (document, tx) => {
      if (reference.qualifier !== undefined && reference.qualifier !== LATEST) throw functionNotFound(reference);
      checkRevision(input.RevisionId, document.latest.revisionId);
      return publish(tx, reference.scope, document, {
        description: input.Description,
        codeSha256: input.CodeSha256,
      });
    });
    return showConfiguration(reference, version);
  };
}
