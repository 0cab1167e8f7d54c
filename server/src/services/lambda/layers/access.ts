// Who may use a layer version: its own account, and whom its policy lets in.

import { AwsError } from '#core/errors.ts';
import type { DocumentReader } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { LAYERS, type LayerStatement, type LayerVersionDocument, layerKey } from './documents.ts';
import { type LayerVersionReference, layerArn } from './layer-name.ts';

const ACTION = 'lambda:GetLayerVersion';

/** The layer version; undefined when there is none. Throws AccessDeniedException for other accounts that may not see it. */
export async function findLayerVersion(
  documents: DocumentReader,
  reference: LayerVersionReference,
  context: RequestContext,
): Promise<LayerVersionDocument | undefined> {
  const { scope, layer, version } = reference;
  const document = await documents.get(LAYERS, scope, layerKey(layer, version));
  if (scope.account === context.account) return document;
  if (document?.policy?.statements.some((statement) => admits(statement, context.account))) return document;
  throw new AwsError(
    'AccessDeniedException',
    `User: ${context.principalArn} is not authorized to perform: ${ACTION} on resource: ${layerArn(reference, version)} because no resource-based policy allows the ${ACTION} action`,
    { status: 403 },
  );
}

/** Organizations are not known here, so a statement with a condition lets nobody in. */
function admits({ Principal, Condition }: LayerStatement, account: string): boolean {
  if (Condition) return false;
  return Principal === '*' || Principal.AWS === `arn:aws:iam::${account}:root` || Principal.AWS === account;
}
