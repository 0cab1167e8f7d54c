// The runtimes that Lambda knows. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import { type FunctionEngine, MissingInterpreterError } from '#engines/functions/function-engine.ts';

const require = createRequire(import.meta.url);

/** No functions can be created with these any more. */
const RETIRED: ReadonlySet<string> = new Set([
  ...['nodejs', 'nodejs4.3', 'nodejs4.3-edge', 'nodejs6.10', 'nodejs8.10', 'nodejs10.x', 'nodejs12.x', 'nodejs14.x'],
  ...['nodejs16.x', 'python2.7', 'python3.6', 'python3.7', 'python3.8', 'java8', 'go1.x', 'ruby2.5', 'ruby2.7'],
  ...['provided', 'dotnetcore1.0', 'dotnetcore2.0', 'dotnetcore2.1', 'dotnetcore3.1', 'dotnet6'],
]);

/** Checks that Brume can run it here and gives the hash of the version that will. */
export async function checkRuntime(runtime: string, engine: FunctionEngine): Promise<string> {
  checkRuntimeName(runtime, 'runtime');
  if (RETIRED.has(runtime)) {
    throw new AwsError(
      'InvalidParameterValueException',
      `The runtime parameter of ${runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
    );
  }
  try {
    return (await engine.interpreter(runtime)).runtimeVersionHash;
  } catch (error) {
    if (error instanceof MissingInterpreterError) {
      throw new AwsError('InvalidParameterValueException', error.message);
    }
    throw error;
  }
}

/** Throws where Lambda knows no such runtime, retired ones included. */
export function checkRuntimeName(runtime: string, at: string): void {
  if (isRuntimeName(runtime)) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `Value ${runtime} at '${at}' failed to satisfy constraint: Member must satisfy enum value set: [${currentRuntimes().join(', ')}] or be a valid ARN`,
  );
}

/** Of a retired runtime too. */
export function isRuntimeName(runtime: string): boolean {
  return allRuntimes().includes(runtime);
}

/** Those that functions can be created with. */
export function currentRuntimes(): string[] {
  return allRuntimes().filter((name) => !RETIRED.has(name));
}

function allRuntimes(): string[] {
  // Loaded on first use: Brume starts without it.
  const { Runtime } = require('@aws-sdk/client-lambda') as typeof import('@aws-sdk/client-lambda');
  return Object.values(Runtime);
}

/** https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes */
const SNAP_START = /^(java(11|17|21|25)|python3\.(1[2-9])|dotnet([89]|10))$/;

export function checkSnapStart(runtime: string): void {
  if (SNAP_START.test(runtime)) return;
  throw new AwsError('InvalidParameterValueException', `${runtime} is not supported for SnapStart enabled functions.`, {
    fields: { Type: 'User' },
  });
}
