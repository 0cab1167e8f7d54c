// The telemetry engine: ClickHouse (chdb) in a process of its own, so that a native crash or an
// out-of-memory query never takes the server down. Started by engine-client.ts with a socket pair on file
// descriptor 3; ends itself at once when the other end is gone. Arguments: JSON of EngineSettings.
//
// A chdb session runs its queries one after another, several sessions on one path run in parallel: so each
// lane has a session of its own, and reads share a few.

import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import type { Session } from 'chdb';
import { type EngineLane, type EngineReply, type EngineRequest, encodeFrame, FrameReader } from './engine-protocol.ts';
import type { EngineSettings } from './engine-settings.ts';
import { sessionSettings } from './engine-settings.ts';

type RunRequest = Extract<EngineRequest, { do: 'run' }>;

interface Run extends RunRequest {
  state: 'queued' | 'running' | 'killed';
}

interface Lane {
  name: EngineLane;
  queue: Run[];
  sessions: Session[];
  idle: Session[];
}

/** How long a new engine waits for the one before it to die (its server may have been killed a moment ago). */
const LOCK_PATIENCE_MS = 3_000;
/** KILL QUERY finds nothing when the query has not quite begun, so it is repeated. */
const KILL_REPEAT_MS = 50;

const SOCKET_DESCRIPTOR = 3;
/**
 * Where processors are short the server comes first: inserts and merges can wait, acknowledgements cannot. Set before any thread
 * of ClickHouse is there, because on Linux it is the thread's own and goes to those that it starts.
 */
const FURTHER_NICENESS = 5;
const MOST_NICENESS = 19;

setPriority(Math.min(MOST_NICENESS, getPriority() + FURTHER_NICENESS));
const settings = JSON.parse(process.argv[2]!) as EngineSettings;
const socket = new Socket({ fd: SOCKET_DESCRIPTOR, readable: true, writable: true });
const reader = new FrameReader<EngineRequest>(({ head }) => receive(head));
// SIGKILL, because an orderly exit would wait for queries that nobody waits for any more.
const die = () => process.kill(process.pid, 'SIGKILL');
socket.on('data', (chunk) => reader.push(chunk));
socket.on('end', die);
socket.on('close', die);
socket.on('error', die);

const runs = new Map<number, Run>();
const lanes = new Map<EngineLane, Lane>();
const lock = await lockDirectory();
const openSession = await loadEngine();
const control = openSession('statement');
const { version } = (await control.queryAsync('SELECT version() AS version', { format: 'JSONEachRow' })).json<{
  version: string;
}>();
reply({ id: 0, result: 'ready', version });

function receive(request: EngineRequest): void {
  if (request.do === 'run') {
    const run: Run = { ...request, state: 'queued' };
    runs.set(run.id, run);
    const lane = laneOf(run.lane);
    lane.queue.push(run);
    startNext(lane);
  } else if (request.do === 'kill') {
    const run = runs.get(request.id);
    if (run?.state === 'queued') {
      const { queue } = laneOf(run.lane);
      queue.splice(queue.indexOf(run), 1);
      runs.delete(run.id);
      reply({ id: run.id, result: 'error', code: 394, message: 'Query was cancelled before it began.' });
    } else if (run?.state === 'running') {
      run.state = 'killed';
      void kill(run);
    }
  } else if (lanes.size === 0) {
    process.exit(0); // nothing was run yet; perhaps not even opened
  } else {
    void close();
  }
}

function startNext(lane: Lane): void {
  while (lane.queue.length > 0) {
    const session = takeSession(lane);
    if (!session) return;
    const run = lane.queue.shift()!;
    void execute(run, session).then((succeeded) => {
      if (succeeded) lane.idle.push(session);
      else discard(lane, session);
      startNext(lane);
    });
  }
}

/** Whether it succeeded. */
async function execute(run: Run, session: Session): Promise<boolean> {
  run.state = 'running';
  // SET and the query go in one call: a call costs more than a SET.
  const limits = `SET log_comment = '${run.id}', max_execution_time = ${run.timeoutMs / 1000};`;
  try {
    const result = await session.queryAsync(`${limits} ${run.sql}`, { format: 'JSONCompact' });
    reply({ id: run.id, result: 'ok' }, result.bytes());
    return true;
  } catch (error) {
    const { message, clickhouseCode } = error as Error & { clickhouseCode?: number };
    reply({ id: run.id, result: 'error', code: clickhouseCode ?? 0, message });
    return false;
  } finally {
    runs.delete(run.id);
  }
}

async function kill(run: Run): Promise<void> {
  while (runs.has(run.id)) {
    await control.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${run.id}' ASYNC`).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, KILL_REPEAT_MS));
  }
}

/** Queries end early, inserts and statements in their time; then sessions close in order and the process exits. */
async function close(): Promise<void> {
  const { drainPending } = await import('chdb');
  for (const run of runs.values()) if (run.lane === 'read') receive({ id: run.id, do: 'kill' });
  await drainPending();
  control.close();
  for (const { sessions } of lanes.values()) for (const session of sessions) session.close();
  lock.close();
  socket.removeAllListeners();
  socket.end(() => process.exit(0));
}

function takeSession(lane: Lane): Session | undefined {
  const idle = lane.idle.pop();
  if (idle) return idle;
  if (lane.sessions.length >= (lane.name === 'read' ? settings.readSessions : 1)) return undefined;
  const session = openSession(lane.name);
  lane.sessions.push(session);
  return session;
}

/**
 * chdb (3.4) prefixes what a failed query had already put out, rows perhaps of another account, to the result of the
 * session's next query. A new session costs 0.3 ms.
 */
function discard(lane: Lane, session: Session): void {
  lane.sessions.splice(lane.sessions.indexOf(session), 1);
  session.close();
}

function laneOf(name: EngineLane): Lane {
  let lane = lanes.get(name);
  if (!lane) {
    lane = { name, queue: [], sessions: [], idle: [] };
    lanes.set(name, lane);
  }
  return lane;
}

async function loadEngine(): Promise<(lane: EngineLane) => Session> {
  try {
    const { Session } = await import('chdb');
    writeFileSync(settings.configuration.path, settings.configuration.text);
    const open = (lane: EngineLane) => {
      const session = new Session(settings.path, { connectionArgs: settings.serverArguments });
      session.query(sessionSettings(settings, lane));
      return session;
    };
    // The first session opens the data directory; what it finds wrong there is told as well.
    const first = open('statement');
    for (const statement of settings.schema) first.query(statement);
    first.close();
    return open;
  } catch (error) {
    return unavailable((error as Error).message);
  }
}

/**
 * Two engines on one directory would ruin it. SQLite's file lock is the one that Node has: it goes with the
 * process that holds it, however that ends.
 */
async function lockDirectory(): Promise<DatabaseSync> {
  const database = new DatabaseSync(settings.lockPath, { timeout: LOCK_PATIENCE_MS });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    return unavailable(`another process uses ${settings.path} (${(error as Error).message})`);
  }
}

/** Tells why and exits once that is sent. */
function unavailable(message: string): Promise<never> {
  reply({ id: 0, result: 'unavailable', message });
  socket.removeAllListeners();
  socket.end(() => process.exit(1));
  return new Promise(() => {});
}

function reply(head: EngineReply, body?: Uint8Array): void {
  socket.cork();
  for (const part of encodeFrame(head, body)) socket.write(part);
  socket.uncork();
}
