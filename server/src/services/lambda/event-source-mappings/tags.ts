// The tags of mappings, for the operations on tags.

import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { Scope, StateStore } from '#storage/state/state.ts';
import { MAPPINGS } from './documents.ts';

type Tags = Record<string, string>;

/** The UUID in a mapping's ARN; undefined for those of other resources. */
export function mappingIdOf(arn: string): string | undefined {
  return /:event-source-mapping:([^:]+)$/.exec(arn)?.[1];
}

/** Throws ResourceNotFoundException when there is no such mapping. */
export async function mappingTags(state: StateStore, arn: string): Promise<Tags> {
  const mapping = await state.documents.get(MAPPINGS, scopeOf(arn), mappingIdOf(arn)!);
  if (!mapping) throw notFound();
  return mapping.tags;
}

export async function changeMappingTags(state: StateStore, arn: string, change: (tags: Tags) => Tags): Promise<void> {
  const [scope, id] = [scopeOf(arn), mappingIdOf(arn)!];
  await state.transact(async (tx) => {
    const mapping = await tx.documents.get(MAPPINGS, scope, id);
    if (!mapping) throw notFound();
    await tx.documents.put(MAPPINGS, scope, id, { ...mapping, tags: change(mapping.tags) });
  });
}

function scopeOf(arn: string): Scope {
  const { account, region } = parseArn(arn)!;
  return { account, region };
}

function notFound(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
    fields: { Type: 'User' },
  });
}
