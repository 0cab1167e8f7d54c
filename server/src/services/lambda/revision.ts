import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { VersionDocument } from './documents.ts';

/** Throws PreconditionFailedException when the client's revision is not the latest. */
export function checkRevision(
  given: string | undefined,
  latest: string | undefined,
  retrievedBy = 'GetFunction/GetAlias',
): void {
  if (given === undefined || given === latest) return;
  throw new AwsError(
    'PreconditionFailedException',
    `The Revision Id provided does not match the latest Revision Id. Call the ${retrievedBy} API to retrieve the latest Revision Id`,
    { fields: { Type: 'User' } },
  );
}

/** A version after a change that its environments need not know of: permissions, states, a publication. */
export function withNewRevision(version: VersionDocument): VersionDocument {
  return { ...version, revisionId: uuid(), runningRevision: runningRevision(version) };
}

/** Changes with the code and the configuration only, unlike RevisionId. */
export function runningRevision({ runningRevision, revisionId }: VersionDocument): string {
  return runningRevision ?? revisionId;
}
