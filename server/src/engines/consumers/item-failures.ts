// Partial batch responses: which records of a batch a function says that it could not process.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting

/**
 * The ids among `ids` that failed, none for a complete success; undefined when the response is of a form, or names a record,
 * that makes the whole batch count as failed.
 */
export function readItemFailures(response: Uint8Array, ids: ReadonlySet<string>): Set<string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(response).toString('utf8') || 'null');
  } catch {
    return undefined;
  }
  if (value === null) return new Set();
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const failures = (value as { batchItemFailures?: unknown }).batchItemFailures ?? [];
  if (!Array.isArray(failures)) return undefined;
  const failed = new Set<string>();
  for (const failure of failures) {
    const id: unknown = failure?.itemIdentifier;
    if (typeof id !== 'string' || !ids.has(id)) return undefined;
    failed.add(id);
  }
  return failed;
}
