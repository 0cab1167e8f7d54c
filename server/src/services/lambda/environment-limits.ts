// What Lambda accepts as environment variables.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

import { AwsError } from '#core/errors.ts';

const LARGEST_BYTES = 4_096;
const NAME = /^[a-zA-Z]([a-zA-Z0-9_])+$/;
/** Set by Lambda itself and not to be changed. */
const RESERVED: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SECRET_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
]);

/** Throws InvalidParameterValueException for reserved names and too large a whole, ValidationException for bad names. */
export function checkEnvironment(variables: Record<string, string>): void {
  const names = Object.keys(variables);
  const reserved = names.filter((name) => RESERVED.has(name));
  if (reserved.length > 0) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Lambda was unable to configure your environment variables because the environment variables you have provided ' +
        'contains reserved keys that are currently not supported for modification. ' +
        `Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const invalid = names.find((name) => !NAME.test(name));
  if (invalid !== undefined) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value '{${names.map((name) => `${name}=***`).join(', ')}}' at 'environment.variables' ` +
        'failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: ' +
        '[a-zA-Z]([a-zA-Z0-9_])+]',
      { status: 400 },
    );
  }
  const nulled = names.find((name) => variables[name]!.includes('\0'));
  if (nulled !== undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      `The value of the environment variable ${nulled} contains a null character.`,
    );
  }
  const text = JSON.stringify(variables);
  if (Buffer.byteLength(text) > LARGEST_BYTES) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Lambda was unable to configure your environment variables because the environment variables you have provided ' +
        `exceeded the 4KB limit. String measured: ${text}`,
    );
  }
}
