// The server's end of the engine process: starts it on first use, sends it requests, and starts it again when
// it dies. A request under way when that happens rejects with TelemetryQueryError, code 0: whether it took
// effect is then unknown, and what to do about that is the caller's to decide.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { dirname, extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Logger } from '#core/log.ts';
import { type EngineLane, type EngineReply, type EngineRequest, encodeFrame, FrameReader } from './engine-protocol.ts';
import { type EngineSettings, threadPoolSize } from './engine-settings.ts';
import type { Sql } from './sql.ts';
import { TelemetryQueryError } from './telemetry.ts';

export interface RunOptions {
  lane: EngineLane;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const FIRST_RESTART_DELAY_MS = 50;
const LAST_RESTART_DELAY_MS = 5_000;
/** Opening a large data directory takes a while; longer than this is a hang. */
const START_PATIENCE_MS = 120_000;
/** An engine that has not answered this long after a query's limit is taken for hung, and killed. */
const HUNG_AFTER_MS = 15_000;
/** Of what the engine printed, told when it dies. */
const KEPT_OUTPUT_LINES = 30;
const CLOSE_PATIENCE_MS = 5_000;
const TIMEOUT_EXCEEDED = 159;

interface Pending {
  resolve(result: Buffer): void;
  reject(error: unknown): void;
}

interface Engine {
  process: ChildProcess;
  socket: Socket;
  ready: Promise<void>;
  exited: Promise<void>;
  pending: Map<number, Pending>;
}

export class EngineClient {
  restarts = 0;
  version: string | undefined;
  state: 'idle' | 'starting' | 'ready' | 'restarting' = 'idle';
  readonly #settings: EngineSettings;
  readonly #log: Logger;
  /** The last that was started, ready or not, alive or not. */
  #spawned: Engine | undefined;
  #engine: Engine | undefined;
  #starting: Promise<Engine> | undefined;
  #nextId = 1;
  /** Why the last start failed, and until when that is answered without trying. */
  #failure: { error: unknown; untilMs: number } | undefined;
  #restartDelayMs = 0;
  #closed = false;

  constructor(settings: EngineSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** The process id of a running engine (tests kill it). */
  get pid(): number | undefined {
    return this.#engine?.process.pid;
  }

  async start(): Promise<void> {
    await this.#ready();
  }

  /** Runs one query or statement: its result as JSONCompact, nothing of a statement. Rejects with
   *  TelemetryQueryError or the signal's reason. */
  async run(query: Sql, options: RunOptions): Promise<Buffer> {
    const { lane, timeoutMs, signal } = options;
    signal?.throwIfAborted();
    const engine = await this.#ready();
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const kill = () => send(engine, { id, do: 'kill' });
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    const hung = setTimeout(() => {
      this.#log.error('the telemetry engine does not answer: it is killed', { afterMs: timeoutMs + HUNG_AFTER_MS });
      engine.process.kill('SIGKILL');
    }, timeoutMs + HUNG_AFTER_MS);
    signal?.addEventListener('abort', kill, { once: true });
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        engine.pending.set(id, { resolve, reject });
        send(engine, { id, do: 'run', lane, sql: query.text, timeoutMs });
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (timedOut) throw new TelemetryQueryError(`The query ran longer than ${timeoutMs} ms.`, TIMEOUT_EXCEEDED);
      throw error;
    } finally {
      clearTimeout(limit);
      clearTimeout(hung);
      signal?.removeEventListener('abort', kill);
    }
  }

  /** Ends the engine in order, or by force when that takes too long. */
  async close(): Promise<void> {
    this.#closed = true;
    const engine = this.#spawned;
    if (!engine) return;
    send(engine, { id: 0, do: 'close' });
    const force = setTimeout(() => engine.process.kill('SIGKILL'), CLOSE_PATIENCE_MS);
    await engine.exited;
    clearTimeout(force);
  }

  #ready(): Promise<Engine> {
    if (this.#closed) return Promise.reject(new TelemetryQueryError('The telemetry store is closed.', 0));
    if (this.#engine) return Promise.resolve(this.#engine);
    // What failed a moment ago is not tried again for every query.
    if (this.#failure && performance.now() < this.#failure.untilMs) return Promise.reject(this.#failure.error);
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<Engine> {
    this.state = this.restarts > 0 ? 'restarting' : 'starting';
    const engine = this.#spawn();
    this.#spawned = engine;
    const hung = setTimeout(() => engine.process.kill('SIGKILL'), START_PATIENCE_MS);
    try {
      await engine.ready;
    } catch (error) {
      this.state = 'idle';
      this.#restartDelayMs = Math.min(
        LAST_RESTART_DELAY_MS,
        Math.max(FIRST_RESTART_DELAY_MS, this.#restartDelayMs * 2),
      );
      this.#failure = { error, untilMs: performance.now() + this.#restartDelayMs };
      throw error;
    } finally {
      clearTimeout(hung);
    }
    this.#restartDelayMs = 0;
    this.#failure = undefined;
    this.#engine = engine;
    this.state = 'ready';
    void engine.exited.then(() => this.#died());
    return engine;
  }

  #died(): void {
    this.#engine = undefined;
    this.state = 'idle';
    if (this.#closed) return;
    this.restarts++;
    this.#ready().catch(() => {}); // told when that one ends
  }

  #spawn(): Engine {
    const program = fileURLToPath(new URL(`./engine-process${extname(import.meta.url)}`, import.meta.url));
    const { PATH, HOME, TMPDIR, LD_LIBRARY_PATH } = process.env;
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, JSON.stringify(this.#settings)],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        cwd: dirname(this.#settings.configuration.path),
        // The engine needs none of the server's secrets. ClickHouse takes its time zone from TZ.
        env: {
          PATH,
          HOME,
          TMPDIR,
          LD_LIBRARY_PATH,
          TZ: 'UTC',
          UV_THREADPOOL_SIZE: String(threadPoolSize(this.#settings)),
        },
      },
    );
    const socket = child.stdio[3] as Socket;
    const pending = new Map<number, Pending>();
    const ready = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    const engine: Engine = { process: child, socket, ready: ready.promise, exited: exited.promise, pending };
    let unavailable: string | undefined;
    const lastLines: string[] = [];

    const reader = new FrameReader<EngineReply>(({ head, body }) => {
      if (head.result === 'ready') {
        this.version = head.version;
        ready.resolve();
      } else if (head.result === 'unavailable') {
        unavailable = head.message;
      } else {
        const waiting = pending.get(head.id);
        pending.delete(head.id);
        if (head.result === 'ok') waiting?.resolve(body);
        else waiting?.reject(new TelemetryQueryError(head.message, head.code));
      }
    });
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => {}); // the exit that follows tells
    for (const output of [child.stdout!, child.stderr!]) {
      createInterface({ input: output }).on('line', (line) => {
        lastLines.push(line);
        if (lastLines.length > KEPT_OUTPUT_LINES) lastLines.shift();
      });
    }
    const gone = (how: string) => {
      if (!this.#closed) {
        this.#log.error('the telemetry engine ended', { how: unavailable ?? how });
        // Only at this level, because a crash report quotes the query, which may quote a customer.
        this.#log.debug('what the telemetry engine printed last', { output: lastLines.join('\n') });
      }
      const error = new TelemetryQueryError(
        unavailable ? explain(unavailable) : `The telemetry engine died (${how}).`,
        0,
      );
      exited.resolve();
      ready.reject(error);
      for (const waiting of pending.values()) waiting.reject(error);
      pending.clear();
    };
    child.on('error', (error) => gone(error.message));
    child.on('close', (code, signal) => gone(signal ?? `exit code ${code}`));
    ready.promise.catch(() => {});
    return engine;
  }
}

function send(engine: Engine, request: EngineRequest): void {
  for (const part of encodeFrame(request)) engine.socket.write(part);
}

function explain(reason: string): string {
  return (
    `The telemetry engine (chdb, embedded ClickHouse) cannot start (${reason}). ` +
    'It needs macOS, or Linux with glibc (not Alpine), on x64 or arm64, and its package: run `npm install` with optional dependencies.'
  );
}
