// Publishing: what $LATEST is at that moment becomes a version of its own, unless nothing changed since the last.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html

import { createHash } from 'node:crypto';
import type { FunctionVersionLatestPublished } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Scope, Transaction } from '#storage/state/state.ts';
import { checkConstraints } from '../constraints.ts';
import { FUNCTIONS, type FunctionDocument, VERSIONS, type VersionDocument, versionKey } from '../documents.ts';
import { LATEST_PUBLISHED } from '../function-name.ts';
import { withNewRevision } from '../revision.ts';

export interface Publication {
  /** Of the version; that of $LATEST without it. */
  description?: string | undefined;
  /** Only this code is to be published. */
  codeSha256?: string | undefined;
  /** The version without a number, in place of the one before it. */
  to?: FunctionVersionLatestPublished | undefined;
}

/** Publishes inside the transaction that read or wrote `document`; gives the version, an older one if nothing changed. */
export async function publish(
  tx: Transaction,
  scope: Scope,
  document: FunctionDocument,
  { description, codeSha256, to }: Publication = {},
): Promise<VersionDocument> {
  const { name, latest, lastVersion = 0 } = document;
  if (codeSha256 && codeSha256 !== latest.code.sha256) {
    throw new AwsError(
      'InvalidParameterValueException',
      `CodeSHA256 (${codeSha256}) is different from current CodeSHA256 in $LATEST (${latest.code.sha256}). Please try again with the CodeSHA256 in $LATEST.`,
      { fields: { Type: 'User' } },
    );
  }
  const fingerprint = fingerprintOf(latest);
  const newest = to
    ? await tx.documents.get(VERSIONS, scope, versionKey(name, LATEST_PUBLISHED))
    : await newestNumbered(tx, scope, name);
  if (newest?.fingerprint === fingerprint) return newest;
  const { runningRevision: _, ...settings } = latest;
  const version: VersionDocument = {
    ...settings,
    version: to ? LATEST_PUBLISHED : String(lastVersion + 1),
    // The API takes an empty description for none.
    description: description || latest.description,
    revisionId: uuid(),
    state: latest.managed ? 'Pending' : 'Active',
    updating: false,
    fingerprint,
  };
  await tx.documents.put(VERSIONS, scope, versionKey(name, version.version), version);
  await tx.documents.put(FUNCTIONS, scope, name, {
    ...document,
    latest: withNewRevision(latest),
    ...(to ? {} : { lastVersion: lastVersion + 1 }),
  });
  return version;
}

/** Numbers stand after the version without one. */
async function newestNumbered(tx: Transaction, scope: Scope, name: string): Promise<VersionDocument | undefined> {
  const [last] = await tx.documents.range(VERSIONS, scope, { prefix: `${name}:`, reverse: true, limit: 1 });
  return last?.value.version === LATEST_PUBLISHED ? undefined : last?.value;
}

/** Throws where there is no such place for the function. */
export function checkPublishTo(to: string | undefined, isManaged: boolean): void {
  checkConstraints([{ at: 'publishTo', value: to, oneOf: ['LATEST_PUBLISHED'] }]);
  if (to === undefined || isManaged) return;
  throw new AwsError(
    'InvalidParameterValueException',
    'Publishing to LATEST_PUBLISHED is only supported for Lambda Managed Instances.',
    { fields: { Type: 'User' } },
  );
}

/** The package of the version that publishing to LATEST_PUBLISHED would replace. */
export async function replacedPackages(tx: Transaction, scope: Scope, name: string): Promise<string[]> {
  const before = await tx.documents.get(VERSIONS, scope, versionKey(name, LATEST_PUBLISHED));
  return before ? [before.code.objectId] : [];
}

/** Of the code and all settings, not of when and how often they were written. */
function fingerprintOf({
  revisionId,
  runningRevision,
  lastModifiedMs,
  state,
  updating,
  code,
  ...settings
}: VersionDocument): string {
  const inOrder = Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256')
    .update(JSON.stringify([code.sha256, inOrder]))
    .digest('base64');
}
