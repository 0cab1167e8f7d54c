// The environment variables that a function sees: Lambda's own and the configured ones.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

import { dirname } from 'node:path';
import type { FunctionVersion } from './function-engine.ts';
import { bringsProgram, type Interpreter } from './interpreter.ts';
import type { View } from './isolation/isolation.ts';
import type { Logging } from './log-level.ts';

/** As Podman and Docker set it for images that do not. */
export const IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As Lambda sets them, but for the address: a daemon on this machine gets the segments, if there is one. */
const X_RAY = {
  AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
  AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
  _AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1',
  _AWS_XRAY_DAEMON_PORT: '2000',
};

export function environmentVariables(
  version: FunctionVersion,
  interpreter: Interpreter,
  view: View,
  logStream: string,
  /** Where the Runtime API listens, where it does. */
  runtimeApi?: string,
): Record<string, string> {
  const { root } = interpreter;
  return {
    // What an image names for its own programs is left as it is.
    ...(root ? { PATH: IMAGE_PATH, ...root.environment } : systemVariables(interpreter, view)),
    // The SDKs find Brume by it.
    AWS_ENDPOINT_URL: version.endpoint,
    // There is no instance to ask; SDKs would wait for an answer.
    AWS_EC2_METADATA_DISABLED: 'true',
    ...X_RAY,
    ...languageVariables(version, interpreter, view),
    ...version.environment,
    ...(root
      ? {}
      : { _HANDLER: version.handler, LAMBDA_TASK_ROOT: view.taskRoot, LAMBDA_RUNTIME_DIR: view.runtimeDir }),
    AWS_REGION: version.region,
    AWS_DEFAULT_REGION: version.region,
    ...(bringsProgram(interpreter) ? {} : { AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}` }),
    ...(runtimeApi === undefined ? {} : { AWS_LAMBDA_RUNTIME_API: runtimeApi }),
    AWS_LAMBDA_FUNCTION_NAME: version.functionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    AWS_LAMBDA_INITIALIZATION_TYPE: version.initializationType ?? 'on-demand',
    ...logVariables(version.logging),
    AWS_LAMBDA_LOG_GROUP_NAME: version.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_ACCESS_KEY_ID: version.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: version.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: version.credentials.sessionToken,
    ...(view.temporaryDir === undefined ? {} : { TMPDIR: view.temporaryDir }),
  };
}

function logVariables(logging: Logging | undefined): Record<string, string> {
  if (logging?.format !== 'JSON') return {};
  return { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? 'INFO' };
}

function systemVariables(interpreter: Interpreter, view: View): Record<string, string> {
  const [programs, libraries] = bringsProgram(interpreter) ? ['', ''] : ['/var/lang/bin:', '/var/lang/lib:'];
  return {
    PATH: `${programs}/usr/local/bin:/usr/bin/:/bin:/opt/bin`,
    LD_LIBRARY_PATH: [
      `${libraries}/lib64:/usr/lib64`,
      ...[view.runtimeDir, `${view.runtimeDir}/lib`, view.taskRoot, `${view.taskRoot}/lib`, '/opt/lib'],
    ].join(':'),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
  };
}

function languageVariables(version: FunctionVersion, interpreter: Interpreter, view: View): Record<string, string> {
  if (interpreter.language === 'python') return { PYTHONPATH: view.runtimeDir };
  if (bringsProgram(interpreter)) return {};
  if (interpreter.language === 'ruby') return rubyVariables(version, interpreter, view);
  // The one locale with UTF-8 that every Linux has: Java reads its environment by it.
  if (interpreter.language === 'java') return { LC_ALL: 'C.UTF-8' };
  if (interpreter.language === 'dotnet') {
    return {
      DOTNET_ROOT: dirname(interpreter.executable),
      // Packages are published for the version that is asked for.
      ...(interpreter.exact ? {} : { DOTNET_ROLL_FORWARD: 'Major' }),
    };
  }
  const major = /\d+/.exec(version.runtime)![0];
  return {
    NODE_PATH: [
      `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules`,
      ...[`${view.runtimeDir}/node_modules`, view.runtimeDir, view.taskRoot],
    ].join(':'),
  };
}

function rubyVariables({ runtime }: FunctionVersion, interpreter: Interpreter, view: View): Record<string, string> {
  // Packages are bundled for the version that is asked for; gems without native parts run on the one that is there too.
  const versions = new Set([runtime.replace('ruby', ''), interpreter.version.replace(/\.\d+$/, '')]);
  const gems = [...versions].flatMap((one) => [
    `${view.taskRoot}/vendor/bundle/ruby/${one}.0`,
    `/opt/ruby/gems/${one}.0`,
  ]);
  return {
    // The end without a directory adds the interpreter's own.
    GEM_PATH: `${gems.join(':')}:`,
    RUBYLIB: `${view.runtimeDir}/lib:/opt/ruby/lib`,
  };
}
