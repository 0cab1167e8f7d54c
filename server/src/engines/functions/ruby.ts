// Finds the Ruby that runs ruby3.x: the one of that version, else any on the PATH.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  firstLine,
  type Interpreter,
  MissingInterpreterError,
  PROBE_TIMEOUT_MS,
  RUNTIME_SOURCES,
  versionNames,
} from './interpreter.ts';

const PROBE = `
require "json"
puts JSON.generate(executable: File.realpath(RbConfig.ruby), version: RUBY_VERSION, prefix: RbConfig::CONFIG["prefix"],
                   path: ($LOAD_PATH + Gem.path).select { |dir| File.directory?(dir) })
`;

interface RubyFacts {
  executable: string;
  version: string;
  prefix: string;
  path: string[];
}

/** Whatever the environment of Brume says to Ruby, functions do not get it. */
const PROBE_ENVIRONMENT = { PATH: process.env.PATH };

/**
 * The interpreter for `ruby3.4`, where `wanted` is the version in its name. Gems that are installed beside it are what functions
 * find beyond their own. Rejects with MissingInterpreterError.
 */
export async function findRuby(runtime: string, wanted: string, configured: string | undefined): Promise<Interpreter> {
  let lastError: unknown;
  for (const candidate of configured ? [configured] : [`ruby${wanted}`, 'ruby']) {
    let facts: RubyFacts;
    try {
      const { stdout } = await promisify(execFile)(candidate, ['-e', PROBE], {
        timeout: PROBE_TIMEOUT_MS,
        env: PROBE_ENVIRONMENT,
      });
      facts = JSON.parse(stdout) as RubyFacts;
    } catch (error) {
      lastError = error;
      continue;
    }
    const [major, minor, patch] = facts.version.split('.');
    return {
      runtime,
      language: 'ruby',
      executable: facts.executable,
      version: facts.version,
      exact: `${major}.${minor}` === wanted,
      runtimeDir: join(RUNTIME_SOURCES, 'ruby'),
      args: ['--disable=gems,rubyopt', '--encoding=UTF-8', '{runtime}/bootstrap.rb'],
      libraryDirs: [facts.prefix, ...facts.path],
      ...versionNames(`ruby:${major}.${minor}.v${patch}`),
    };
  }
  throw new MissingInterpreterError(
    `The runtime ${runtime} needs Ruby on this machine. Install ruby (apt-get install ruby), version ${wanted} or another, or ` +
      `name it in the configuration (functions.interpreters). Last tried: ${firstLine(lastError)}`,
  );
}
