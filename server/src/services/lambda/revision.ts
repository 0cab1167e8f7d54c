import { AwsError } from '#core/errors.ts';

/** Throws PreconditionFailedException when the client's revision is not the latest. */
export function checkRevision(given: string | undefined, latest: string | undefined): void {
  if (given === undefined || given === latest) return;
  throw new AwsError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    { fields: { Type: 'User' } },
  );
}
