// Starts extensions and the runtime beside one another in one sandbox, and tells when one ended: a shell script that is the
// sandbox's program, and this end of its orders (descriptor 5) and of what extensions write (6). Environments without external
// extensions have none of it: there the runtime is the sandbox's program.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { SystemClock } from '#core/clock.ts';
import { OutputReader } from '../output-reader.ts';
import { describeExit } from '../runtime-process.ts';

/** What of the environment is the runtime's alone. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html */
const VARIABLES_OF_RUNTIME =
  'AWS_EXECUTION_ENV AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_XRAY_CONTEXT_MISSING AWS_XRAY_DAEMON_ADDRESS ' +
  'LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT _AWS_XRAY_DAEMON_ADDRESS _AWS_XRAY_DAEMON_PORT _HANDLER';

/** Orders: `extension KEY PATH`, `runtime`, `signal NAME PID`. Reports: `started KEY PID`, `ended KEY STATUS`. */
const SCRIPT = `
watch() {
  key=$1
  shift
  "$@" 5>&- 6>&- &
  # A shell tells how its children ended.
  exec 2> /dev/null
  echo "started $key $!" >&5
  wait $!
  echo "ended $key $?" >&5
}
while read -r order what more <&5; do
  case $order in
    extension) (
      exec 3>&- >&6 2>&1
      unset ${VARIABLES_OF_RUNTIME}
      cd /
      watch "$what" "$more"
    ) & ;;
    runtime) watch runtime "$@" & ;;
    signal) kill -s "$what" "$more" ;;
  esac
done
`;

/** Goes before the command of a runtime. */
export const SUPERVISOR: readonly string[] = ['/bin/sh', '-c', SCRIPT, 'supervisor'];

const RUNTIME = 'runtime';

/** The names of the external extensions in a function's layers. */
export function externalExtensions(layersDir: string | undefined): string[] {
  if (layersDir === undefined) return [];
  try {
    return readdirSync(join(layersDir, 'extensions'), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.includes('\n'))
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

export interface SupervisorOptions {
  /** Lines that extensions wrote. */
  onOutput(message: string): void;
  onExtensionEnded(name: string, description: string): void;
  onRuntimeEnded(description: string): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #realTime = new SystemClock();
  readonly #names: string[] = [];
  /** By key: its number in the sandbox. */
  readonly #running = new Map<string, string>();
  #orders: Duplex | undefined;
  #reports = '';
  #onEnded: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  open(orders: Duplex, extensionOutput: Readable): void {
    this.#orders = orders;
    orders.on('error', () => {});
    orders.on('data', (data: Buffer) => this.#read(data.toString()));
    const reader = new OutputReader((message) => this.#options.onOutput(message));
    extensionOutput.on('data', (data: Buffer) => reader.read(data));
    extensionOutput.on('error', () => {});
    extensionOutput.on('close', () => reader.flush());
  }

  startExtension(name: string, path: string): void {
    this.#order(`extension ${this.#names.push(name) - 1} ${path}`);
  }

  startRuntime(): void {
    this.#order(RUNTIME);
  }

  /** Ends the runtime, by force after so long. */
  async endRuntime(limitMs: number): Promise<void> {
    if (!this.#running.has(RUNTIME)) return;
    this.#signal('TERM', RUNTIME);
    if (await this.#within(limitMs, () => !this.#running.has(RUNTIME))) return;
    this.#signal('KILL', RUNTIME);
  }

  /** Whether all extensions ended in time. */
  extensionsEnded(limitMs: number): Promise<boolean> {
    return this.#within(limitMs, () => [...this.#running.keys()].every((key) => key === RUNTIME));
  }

  #order(text: string): void {
    this.#orders?.write(`${text}\n`);
  }

  #signal(signal: string, key: string): void {
    this.#order(`signal ${signal} ${this.#running.get(key)}`);
  }

  #read(text: string): void {
    const lines = (this.#reports + text).split('\n');
    this.#reports = lines.pop()!;
    for (const line of lines) {
      const [report, key, value] = line.split(' ') as [string, string, string];
      if (report === 'started') this.#running.set(key, value);
      else if (report === 'ended') this.#ended(key, describeExit(Number(value), null));
    }
  }

  #ended(key: string, description: string): void {
    this.#running.delete(key);
    if (key === RUNTIME) this.#options.onRuntimeEnded(description);
    else this.#options.onExtensionEnded(this.#names[Number(key)]!, description);
    this.#onEnded?.();
  }

  #within(limitMs: number, isSo: () => boolean): Promise<boolean> {
    if (isSo()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean) => {
        this.#onEnded = undefined;
        timer.cancel();
        resolve(result);
      };
      const timer = this.#realTime.at(this.#realTime.now() + limitMs, () => settle(false));
      this.#onEnded = () => {
        if (isSo()) settle(true);
      };
    });
  }
}
