// PublishVersion: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html

import type { FunctionConfiguration, PublishVersionRequest } from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { showConfiguration } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { functionNotFound, LATEST, readFunctionName } from '../function-name.ts';
import { unnamedPackages } from '../packages.ts';
import { checkRevision } from '../revision.ts';
import { checkPublishTo, publish, replacedPackages } from './publish.ts';

export function publishVersion({ table, activation, garbage, managed }: LambdaDependencies) {
  return async (input: PublishVersionRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkConstraints([{ at: 'description', value: input.Description, max: 256 }]);
    await activation.settled(reference);
    let dropped: string[] = [];
    const version = await table.write(reference, async (document, tx) => {
      if (reference.qualifier !== undefined && reference.qualifier !== LATEST) throw functionNotFound(reference);
      checkPublishTo(input.PublishTo, document.latest.managed !== undefined);
      checkRevision(input.RevisionId, document.latest.revisionId);
      const { scope, name } = reference;
      const replaced = input.PublishTo ? await replacedPackages(tx, scope, name) : [];
      const published = await publish(tx, scope, document, {
        description: input.Description,
        codeSha256: input.CodeSha256,
        to: input.PublishTo,
      });
      dropped = await garbage.condemn(tx, await unnamedPackages(tx, scope, name, replaced));
      return published;
    });
    garbage.collect(dropped);
    if (version.managed) managed.begin({ ...reference, qualifier: version.version });
    return showConfiguration(reference, version);
  };
}
