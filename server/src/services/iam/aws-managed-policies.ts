// The managed policies of AWS that data pipelines and tutorials attach, with AWS's own documents. They stand under
// `arn:aws:iam::aws:policy/…`, belong to nobody and cannot be changed.

import { createHash } from 'node:crypto';
import table from './aws-managed-policies.json' with { type: 'json' };
import type { PolicyDocument } from './policies.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export type AwsManagedPolicies = ReadonlyMap<string, PolicyDocument>;

/** By ARN, in the order of their names. AWS gives out only the default version's number, so that is the one version. */
export function loadAwsManagedPolicies(): AwsManagedPolicies {
  return new Map(
    table.map((entry) => {
      const arn = `arn:aws:iam::aws:policy${entry.path}${entry.name}`;
      const updatedAtMs = Date.parse(entry.updated);
      return [
        arn,
        {
          name: entry.name,
          id: policyIdOf(arn),
          arn,
          path: entry.path,
          createdAtMs: Date.parse(entry.created),
          updatedAtMs,
          tags: [],
          defaultVersion: entry.version,
          lastVersion: Number(entry.version.slice(1)),
          versions: [
            { id: entry.version, document: JSON.stringify(entry.document, null, 4), createdAtMs: updatedAtMs },
          ],
        },
      ];
    }),
  );
}

/** The same id on every Brume. */
function policyIdOf(arn: string): string {
  const digest = createHash('sha256').update(arn).digest();
  let id = 'ANPA';
  for (let i = 0; i < 17; i++) id += BASE32[digest[i]! % 32];
  return id;
}
