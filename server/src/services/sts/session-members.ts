// Members that the operations which issue credentials share, checked in STS's words.

import { AwsError } from '#core/errors.ts';
import { checkCount, checkRange, checkText } from '../constraints.ts';

const SHORTEST_SESSION_S = 900;
const MOST_SESSION_TAGS = 50;
const MOST_POLICY_ARNS = 10;
/** Session policies of plain text; AWS's packed limit cannot be computed outside of it. */
const LARGEST_SESSION_POLICY = 2048;

export function checkDuration(seconds: number | undefined, longestS: number): void {
  checkRange('durationSeconds', seconds, SHORTEST_SESSION_S, longestS);
}

export function checkSessionName(name: string): void {
  checkText('roleSessionName', name, { min: 2, max: 64, pattern: '[\\w+=,.@-]*' });
}

export function checkSourceIdentity(identity: string | undefined): void {
  checkText('sourceIdentity', identity, { min: 2, max: 64, pattern: '[\\w+=,.@-]*' });
  if (identity?.toLowerCase().startsWith('aws:')) {
    throw new AwsError('ValidationError', "Source identity can't start with the reserved prefix aws:");
  }
}

/** The inline policy that narrows a session: kept for enforcement, its form checked now. */
export function checkSessionPolicy(policy: string | undefined): void {
  if (policy === undefined) return;
  checkText('policy', policy, { min: 1, pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+' });
  if (policy.length > LARGEST_SESSION_POLICY) {
    throw new AwsError(
      'PackedPolicyTooLargeException',
      'Packed policy consumes more than 100% of allotted space, please use smaller policy.',
    );
  }
  let document: unknown;
  try {
    document = JSON.parse(policy);
  } catch {
    throw new AwsError('MalformedPolicyDocumentException', 'This policy contains invalid Json');
  }
  if (typeof document !== 'object' || document === null || !('Statement' in document)) {
    throw new AwsError('MalformedPolicyDocumentException', 'Syntax errors in policy.');
  }
}

export function readPolicyArns(arns: readonly { arn?: string | undefined }[] | undefined): string[] | undefined {
  if (!arns) return undefined;
  checkCount('policyArns', arns, MOST_POLICY_ARNS);
  return arns.map(({ arn }, i) => {
    checkText(`policyArns.${i + 1}.member.arn`, arn, { min: 20, max: 2048 });
    return arn!;
  });
}

export function readSessionTags(
  tags: readonly { Key: string | undefined; Value: string | undefined }[] | undefined,
): Record<string, string> | undefined {
  if (!tags) return undefined;
  checkCount('tags', tags, MOST_SESSION_TAGS);
  const read: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  tags.forEach(({ Key: key = '', Value: value = '' }, i) => {
    checkText(`tags.${i + 1}.member.key`, key, { min: 1, max: 128, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+' });
    checkText(`tags.${i + 1}.member.value`, value, { max: 256, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*' });
    if (seen.has(key.toLowerCase())) {
      throw new AwsError(
        'InvalidParameterValue',
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      );
    }
    seen.add(key.toLowerCase());
    read[key] = value;
  });
  return read;
}
