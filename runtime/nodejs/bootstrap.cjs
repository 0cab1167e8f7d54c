// Runs a Node.js function: loads the handler, then asks the Lambda Runtime API for one event after another.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// The API is spoken over the connection that this process inherits as a file descriptor, with blocking reads: between two
// events the event loop stands still, as it does in an environment that AWS froze. A result and the request for the next
// event leave in one write. CommonJS, because Node starts it some milliseconds faster than an ES module.
// Argument 1: the node_modules with the AWS SDK. Argument 2, in a process that is booted ahead of any function: `wait`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Writable } = require('node:stream');
const { format } = require('node:util');

const CONNECTION = 3;
/** The second connection of those that serve several invocations at once; the others follow. */
const FIRST_LANE = 10;
const RUNTIME = '/2018-06-01/runtime/';
const NEXT = Buffer.from(`GET ${RUNTIME}invocation/next HTTP/1.1\r\n\r\n`);
const READ_SIZE = 65_536;
// Message frame on standard output, so that a message of several lines stays one log event: mark, length, microseconds.
const FRAME_MARK = 0xa55a0003;
/** With the format JSON the mark names the level as well, above the two bits for the format. */
const JSON_FRAME_MARK = 0xa55a0002;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
/** Exit codes that AWS's runtime uses. */
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;
/** What a handler has on its way to files or to standard output (pino's records) may delay its answer by so much. */
const WRITES_LIMIT_MS = 20;
/** From this version on AWS's runtime is another program: it takes no callbacks, and some of its answers differ. */
const FIRST_WITHOUT_CALLBACKS = 24;
/** What `@aws/lambda-invoke-store` keeps of an invocation. */
const STORED = Object.fromEntries(
  ['REQUEST_ID', 'X_RAY_TRACE_ID', 'TENANT_ID', 'TRACEPARENT', 'TRACESTATE', 'BAGGAGE'].map((name) => [
    name,
    Symbol.for(`_AWS_LAMBDA_${name}`),
  ]),
);

/** Marks the handlers that stream, on both sides of `awslambda`. */
const STREAMS = Symbol.for('aws.lambda.runtime.handler.streaming');

const environment = process.env;
/**
 * The invocation under way: its requestId and tenantId; `fail` ends it with an error, absent between invocations; `onIdle` is
 * called when the event loop ran empty; `stored` is what the store of invocations holds; `write` sends parts of its response.
 */
const single = { write: send };
let received = Buffer.alloc(0);
const NO_INVOCATION = Object.freeze({});
/** The handler is there, in a process that serves several invocations at once. */
let served = false;

if (process.argv.length > 3) awaitAssignment();
const withoutCallbacks =
  Number(/nodejs(\d+)/.exec(environment.AWS_EXECUTION_ENV ?? '')?.[1]) >= FIRST_WITHOUT_CALLBACKS;
/** Where several invocations run at once: which of them a piece of code belongs to. */
const invocations =
  environment.AWS_LAMBDA_MAX_CONCURRENCY > 1 ? new (require('node:async_hooks').AsyncLocalStorage)() : undefined;
const invokeStore = makeInvokeStore();
if (!['1', 'true'].includes(environment.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) offerGlobals();
patchConsole();
for (const name of ['stdout', 'stderr']) blockOnWrites(name);
if (process.argv[2]) offerSdk(process.argv[2]);
// From Node.js 24 on AWS's runtime leaves these to Node, which writes them to standard error and ends.
if (!withoutCallbacks) reportWhatNobodyCatches();
process.on('beforeExit', () => {
  const idle = single.onIdle;
  single.onIdle = undefined;
  idle?.();
});

main();

async function main() {
  let handler;
  try {
    handler = await loadHandler(environment.LAMBDA_TASK_ROOT, environment._HANDLER);
  } catch (error) {
    return die(withoutCallbacks ? 'Init Error' : 'Uncaught Exception', error, 1);
  }
  if (invocations) serveLanes(handler, Number(environment.AWS_LAMBDA_MAX_CONCURRENCY));
  else next(handler, NEXT);
}

// ---- booted ahead ----

/** Waits for the environment variables of the function that this process is to run. */
function awaitAssignment() {
  process.argv.length = 3;
  send(post('assignment', '{"loaded":[],"installed":[]}'));
  Object.assign(environment, JSON.parse(receive().body.toString('utf8')));
}

function reportWhatNobodyCatches() {
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION));
  process.on('unhandledRejection', (reason, promise) => {
    const cause = reason instanceof Error ? reason : undefined;
    const error = named('Runtime.UnhandledPromiseRejection', String(reason), cause);
    die('Unhandled Promise Rejection', Object.assign(error, { reason, promise }), EXIT_UNHANDLED_REJECTION);
  });
}

// ---- one event after another ----

/** Sends what is due, waits for the next event and runs the handler on it. */
function next(handler, request) {
  send(request);
  const { headers, body } = receiveEvent();
  begin(single, headers);
  const traceId = headers.get('lambda-runtime-trace-id');
  if (traceId === undefined) delete environment._X_AMZN_TRACE_ID;
  else environment._X_AMZN_TRACE_ID = traceId;
  invoke(handler, headers, body, single, (answer) => {
    setImmediate(nextOnceWritten, handler, answer, performance.now() + WRITES_LIMIT_MS);
  });
}

function begin(invocation, headers) {
  invocation.requestId = headers.get('lambda-runtime-aws-request-id');
  invocation.tenantId = headers.get('lambda-runtime-aws-tenant-id');
  invocation.stored = {
    [STORED.REQUEST_ID]: invocation.requestId,
    [STORED.X_RAY_TRACE_ID]: headers.get('lambda-runtime-trace-id'),
    [STORED.TENANT_ID]: invocation.tenantId,
  };
}

/** The invocation that the code at hand belongs to; an empty one where there is none. */
function current() {
  return invocations ? (invocations.getStore() ?? NO_INVOCATION) : single;
}

/** While the next event is waited for the event loop stands still, and writes that were not begun with it. */
function nextOnceWritten(handler, answer, latest) {
  const writes = process.getActiveResourcesInfo().some((kind) => kind.startsWith('FSReq'));
  if (writes && performance.now() < latest) setImmediate(nextOnceWritten, handler, answer, latest);
  else next(handler, answer);
}

function invoke(handler, headers, body, invocation, answer) {
  let settled = false;
  let waitsForEmptyEventLoop = true;
  const finish = (request, waits) => {
    if (settled) return;
    settled = true;
    invocation.fail = undefined;
    const send = () => answer(Buffer.concat([request, NEXT]));
    // Beside other invocations the event loop is never empty.
    if (waits && invocation === single) invocation.onIdle = send;
    else {
      invocation.onIdle = undefined;
      send();
    }
  };
  const fail = (error) => {
    if (!settled) logError('Invoke Error', error);
    finish(errorRequest(error), false);
  };
  const succeed = (result, waits = false) => {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch {
      const message = 'Unable to stringify response body';
      return fail(withoutCallbacks ? named('Runtime.JSONStringifyError', message) : new Error(message));
    }
    // Of a function or a symbol: as the client of AWS's runtime refuses it.
    if (text === undefined) return fail(new TypeError('Wrong arguments'));
    finish(post(`invocation/${invocation.requestId}/response`, text), waits);
  };
  const callback = (error, result) => {
    if (error === undefined || error === null) succeed(result, waitsForEmptyEventLoop);
    else {
      if (!settled) logError('Invoke Error', error);
      finish(errorRequest(error), waitsForEmptyEventLoop);
    }
  };
  invocation.fail = (error) => {
    invocation.fail = undefined;
    invocation.write(errorRequest(error));
  };
  // The event loop ran empty and nothing can call back any more.
  invocation.onIdle = () => {
    if (withoutCallbacks) process.exit(0);
    if (!handler.isAsync) return succeed(null);
    const error = new Error(
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise ' +
        'that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes',
    );
    error.name = 'Runtime.NodeJsExit';
    fail(error);
  };
  if (handler.streams) return invokeStreaming(handler, headers, body, invocation, finish, fail);
  try {
    const context = contextOf(headers);
    const event = JSON.parse(body.toString('utf8'));
    if (withoutCallbacks) {
      const result = handler.handler(event, context);
      if (typeof result?.then === 'function') result.then((value) => succeed(value), fail);
      else succeed(result);
      return;
    }
    Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
      enumerable: true,
      get: () => waitsForEmptyEventLoop,
      set: (value) => {
        waitsForEmptyEventLoop = value;
      },
    });
    context.succeed = (result) => succeed(result);
    context.fail = (error) => fail(error ?? 'handled');
    context.done = (error, result) => (error === undefined || error === null ? succeed(result) : fail(error));
    const result = handler.handler(event, context, callback);
    if (typeof result?.then === 'function') result.then((value) => succeed(value), fail);
  } catch (error) {
    fail(error);
  }
}

/** The store of `@aws/lambda-invoke-store`: what a handler keeps in it is gone in the next invocation. */
function makeInvokeStore() {
  const get = (key) => current().stored?.[key];
  return {
    run: (fields, task) => {
      current().stored = fields;
      return task();
    },
    getContext: () => current().stored,
    hasContext: () => current().stored !== undefined,
    get,
    set: (key, value) => {
      if (Object.values(STORED).includes(key))
        throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
      current().stored = { ...current().stored, [key]: value };
    },
    getRequestId: () => get(STORED.REQUEST_ID) ?? '-',
    getXRayTraceId: () => get(STORED.X_RAY_TRACE_ID),
    getTenantId: () => get(STORED.TENANT_ID),
    getTraceparent: () => get(STORED.TRACEPARENT),
    getTracestate: () => get(STORED.TRACESTATE),
    getBaggage: () => get(STORED.BAGGAGE),
  };
}

// ---- several invocations at once: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html ----

/** On each of these connections one event comes after another; the handler runs for all of them in one event loop. */
function serveLanes(handler, count) {
  served = true;
  for (let lane = 0; lane < count; lane++) serveLane(handler, lane === 0 ? CONNECTION : FIRST_LANE + lane - 1);
}

function serveLane(handler, connection) {
  const { Socket } = require('node:net');
  const socket = new Socket({ fd: connection, readable: true, writable: true });
  // The server is gone, and with it everybody who could want a result.
  for (const end of ['end', 'error', 'close']) socket.on(end, () => process.exit(0));
  let parts = [];
  let filled = 0;
  let wanted = 1;
  socket.on('data', (part) => {
    parts.push(part);
    filled += part.length;
    while (filled >= wanted) {
      const input = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      parts = [input];
      const end = input.indexOf('\r\n\r\n');
      if (end < 0) return;
      const headers = readHeaders(input, end);
      const start = end + 4;
      wanted = start + Number(headers.get('content-length') ?? 0);
      if (filled < wanted) return;
      const body = input.subarray(start, wanted);
      parts = [input.subarray(wanted)];
      filled -= wanted;
      wanted = 1;
      // The rest are acknowledgements of what was posted.
      if (!headers.has('lambda-runtime-aws-request-id')) continue;
      const invocation = { write: (data) => writeAll(connection, data) };
      begin(invocation, headers);
      const answer = (request) => setImmediate(() => writeAll(connection, request));
      setImmediate(() => invocations.run(invocation, invoke, handler, headers, body, invocation, answer));
    }
  });
  writeAll(connection, NEXT);
}

// ---- streamed responses: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html ----

/** The global by which handlers ask for it, and where `@aws/lambda-invoke-store` looks for its store. */
function offerGlobals() {
  globalThis.awslambda = {
    ...(withoutCallbacks ? { InvokeStore: invokeStore } : {}),
    streamifyResponse(handler, options) {
      handler[STREAMS] = 'response';
      if (typeof options?.highWaterMark === 'number')
        handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = options.highWaterMark;
      return handler;
    },
    HttpResponseStream: {
      /** What goes before the body: status, headers and cookies as JSON, then eight zero bytes. */
      from(stream, prelude) {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream.before = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
        return stream;
      },
    },
  };
}

/** Written through at once: the head with the first bytes, each stretch as a chunk, errors as trailers. */
class ResponseStream extends Writable {
  constructor(invocation) {
    super();
    this.id = invocation.requestId;
    this.send = invocation.write;
    this.contentType = 'application/octet-stream';
    this.before = undefined;
    this.begun = false;
  }

  setContentType(type) {
    if (this.begun) throw named('Runtime.InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.contentType = type;
  }

  write(chunk, ...more) {
    const isData = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(isData ? chunk : JSON.stringify(chunk), ...more);
  }

  _write(data, encoding, done) {
    this.begin();
    this.writeChunk(typeof data === 'string' ? Buffer.from(data, encoding) : data);
    done();
  }

  _final(done) {
    this.begin();
    done();
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    const head =
      `POST ${RUNTIME}invocation/${this.id}/response HTTP/1.1\r\nContent-Type: ${this.contentType}\r\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n';
    this.send(Buffer.from(head));
    if (this.before) this.writeChunk(this.before);
  }

  writeChunk(data) {
    if (data.length === 0) return;
    this.send(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]));
  }
}

const STREAM_END = Buffer.from('0\r\n\r\n');
const NOTHING = Buffer.alloc(0);

function invokeStreaming(handler, headers, body, invocation, finish, failBefore) {
  const stream = new ResponseStream(invocation);
  const fail = (error) => {
    if (!stream.begun) return failBefore(error);
    logError('Invoke Error', error);
    finish(streamError(error), false);
  };
  // An error that nobody catches ends the process: the caller hears of it first.
  invocation.fail = (error) => {
    invocation.fail = undefined;
    invocation.write(stream.begun ? streamError(error) : errorRequest(error));
  };
  invocation.onIdle = () => fail(named('Runtime.StreamError', 'The response stream was not ended.'));
  stream.once('error', fail);
  try {
    const result = handler.handler(JSON.parse(body.toString('utf8')), stream, contextOf(headers));
    if (typeof result?.then !== 'function') {
      const error = new Error('Streaming does not support non-async handlers.');
      if (!stream.writableEnded) return fail(error);
      logError('Invoke Error', error);
      stream.once('finish', () => finish(STREAM_END, false));
      return;
    }
    let returned = false;
    let ended = false;
    // The response is whole when the stream ends; the invocation is over when the handler has returned as well.
    stream.once('finish', () => {
      ended = true;
      if (returned) finish(STREAM_END, false);
      else invocation.write(STREAM_END);
    });
    result.then(
      (value) => {
        returned = true;
        if (value !== undefined) console.warn('Streaming handlers ignore return values.');
        if (ended) finish(NOTHING, false);
      },
      (error) => {
        if (!ended) return fail(error);
        logError('Invoke Error', error);
        finish(NOTHING, false);
      },
    );
  } catch (error) {
    fail(error);
  }
}

function streamError(error) {
  const described = describe(error);
  const type = described.errorType.replace(/[^ -~]/g, '?');
  const encoded = Buffer.from(JSON.stringify(described)).toString('base64');
  return Buffer.from(
    `0\r\nLambda-Runtime-Function-Error-Type: ${type}\r\nLambda-Runtime-Function-Error-Body: ${encoded}\r\n\r\n`,
  );
}

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
function contextOf(headers) {
  const deadlineMs = Number(headers.get('lambda-runtime-deadline-ms'));
  const clientContext = parsed(headers.get('lambda-runtime-client-context'));
  const context = {
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext,
    identity: parsed(headers.get('lambda-runtime-cognito-identity')),
    invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn'),
    awsRequestId: headers.get('lambda-runtime-aws-request-id'),
    tenantId: headers.get('lambda-runtime-aws-tenant-id'),
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  if (withoutCallbacks) {
    const trace = takeTrace(clientContext);
    context.xRayTraceId = headers.get('lambda-runtime-trace-id');
    context.w3c = () => trace;
  }
  return context;
}

/** What a client context tells of a W3C trace is for `context.w3c()` alone. */
function takeTrace(clientContext) {
  const { w3c } = clientContext ?? {};
  if (w3c !== undefined) delete clientContext.w3c;
  const known = ['traceparent', 'tracestate', 'baggage'].filter((name) => typeof w3c?.[name] === 'string');
  return Object.freeze(Object.fromEntries(known.map((name) => [name, w3c[name]])));
}

function parsed(text) {
  return text ? JSON.parse(text) : undefined;
}

// ---- the handler ----

async function loadHandler(taskRoot, name) {
  if (name.includes('..'))
    throw named(
      'Runtime.MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  const base = path.basename(name);
  const parts = /^([^.]*)\.(.+)$/.exec(base);
  if (!parts) throw named('Runtime.MalformedHandlerName', 'Bad handler');
  const file = path.join(path.dirname(name), parts[1]);
  let value;
  try {
    value = await loadModule(taskRoot, file);
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = named('Runtime.UserCodeSyntaxError', String(error), error);
      if (withoutCallbacks) fault.stack = error.stack;
      throw fault;
    }
    // What an `import` does not find is an error like any other, on AWS too.
    if (error?.code === 'MODULE_NOT_FOUND') throw named('Runtime.ImportModuleError', notFound(error), error);
    throw error;
  }
  const keys = parts[2].split('.');
  const find = (module) => keys.reduce((found, key) => found?.[key], module);
  const handler = find(value) || (withoutCallbacks && find(value?.default));
  if (!handler) throw named('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw named('Runtime.HandlerNotFound', `${name} is not a function`);
  return checked(handler);
}

/** The stack of what requires what, with AWS's runtime in the place of this one: from Node.js 24 on it imports modules. */
function notFound(error) {
  const text = String(error);
  const here = `\n- ${__filename}`;
  return withoutCallbacks && !text.includes(`Require stack:${here}`)
    ? text.replace(here, '')
    : text.replace(here, '\n- /var/runtime/index.mjs');
}

function checked(handler) {
  if (handler[STREAMS] && handler[STREAMS] !== 'response')
    throw named('Runtime.MalformedStreamingHandler', 'Only response streaming is supported.');
  if (withoutCallbacks && handler.length >= 3 && !handler[STREAMS]) {
    throw named(
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify ' +
        'this function to use a supported handler signature to use Node.js 24 or later. For more information see ' +
        'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
    );
  }
  return new Runtime(handler);
}

/** Named for the stack traces: handlers are called as `Runtime.handler`, as in Lambda. */
class Runtime {
  constructor(handler) {
    this.handler = handler;
    this.streams = Boolean(handler[STREAMS]);
    this.isAsync = handler.constructor.name === 'AsyncFunction';
  }
}

async function loadModule(taskRoot, file) {
  const absolute = path.resolve(taskRoot, file);
  const found = ['', '.js', '.mjs', '.cjs'].map((extension) => absolute + extension).find(isFile);
  if (found === undefined)
    return require(require.resolve(file, { paths: [taskRoot, path.join(taskRoot, path.dirname(file))] }));
  if (found.endsWith('.mjs')) return importFile(found);
  try {
    return require(found);
  } catch (error) {
    // A module with a top-level await, which only `import` can load.
    if (error?.code === 'ERR_REQUIRE_ASYNC_MODULE' || error?.code === 'ERR_REQUIRE_ESM') return importFile(found);
    throw error;
  }
}

/**
 * AWS's runtime brings the AWS SDK for JavaScript; here it is the one that Brume is built on, in `modules`. A package of the
 * function's own goes before it, and nothing else in that directory is reachable.
 */
function offerSdk(modules) {
  const { createRequire, registerHooks } = require('node:module');
  if (!registerHooks) return;
  const { pathToFileURL } = require('node:url');
  const parentURL = pathToFileURL(path.join(modules, '..', 'function.js')).href;
  const find = createRequire(parentURL);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        if (!/^@(aws-sdk|smithy)\//.test(specifier) || context.parentURL === parentURL) throw error;
        // `require` looks from the module that requires, whatever the hook says.
        if (context.conditions.includes('require')) {
          return { url: pathToFileURL(find.resolve(specifier)).href, shortCircuit: true };
        }
        return nextResolve(specifier, { ...context, parentURL });
      }
    },
  });
}

function importFile(file) {
  return import(require('node:url').pathToFileURL(file).href);
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function named(name, message, cause) {
  const error = new Error(message);
  // In logs from Node.js 24 on.
  Object.defineProperty(error, 'name', { value: name, enumerable: withoutCallbacks });
  error.stack = `${name}: ${message}\n${framesOf(cause ?? error)}`;
  return error;
}

// ---- errors ----

function describe(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    const clean = (text) => String(text).replaceAll('\x7F', '%7F');
    return {
      errorType: clean(error.name),
      errorMessage: clean(error.message),
      trace: clean(error.stack ?? '').split('\n'),
    };
  } catch {
    const errorMessage =
      'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

/** Errors of other realms, and what looks like one, are some too. */
function isError(error) {
  if (error instanceof Error) return true;
  return Boolean(error) && ['name', 'message', 'stack'].every((key) => typeof error[key] === 'string' && error[key]);
}

function framesOf(error) {
  return String(error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

function logError(label, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(describe(thrown).errorMessage);
  if (logsJson()) return writeJson('ERROR', error, []);
  let text;
  try {
    text = JSON.stringify(error, (_, value) => (value instanceof Error ? forLog(value) : value));
  } catch {
    text = JSON.stringify(describe(error));
  }
  writeLine('ERROR', `${label} \t${text}`);
}

/** With the properties that the function's author added. */
function forLog(error) {
  const { name, message, code, stack } = error;
  const fields = Object.assign({ errorType: name, errorMessage: message, code }, error);
  if (typeof stack === 'string') fields.stack = stack.split('\n');
  return fields;
}

function errorRequest(error) {
  const body = describe(error);
  return post(`invocation/${current().requestId}/error`, JSON.stringify(body), body.errorType);
}

function die(label, error, code) {
  logError(label, error);
  const { fail, requestId } = current();
  if (fail) fail(error);
  else if (requestId === undefined && !served) {
    const body = describe(error);
    send(post('init/error', JSON.stringify(body), body.errorType));
  }
  process.exit(code);
}

// ---- logs ----

function patchConsole() {
  const levels = {
    log: 'INFO',
    info: 'INFO',
    debug: 'DEBUG',
    warn: 'WARN',
    error: 'ERROR',
    trace: 'TRACE',
    fatal: 'FATAL',
  };
  const json = logsJson();
  const least = LEVELS.indexOf(environment.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
  for (const [method, level] of Object.entries(levels)) {
    if (LEVELS.indexOf(level) < least) console[method] = () => {};
    else if (json) console[method] = (message, ...values) => writeJson(level, message, values);
    else console[method] = (message, ...values) => writeLine(level, format(message, ...values));
  }
}

function logsJson() {
  return environment.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
}

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html#nodejs-logging-advanced */
function writeJson(level, message, values) {
  const now = new Date();
  const { tenantId } = current();
  const fields = { timestamp: now.toISOString(), level, requestId: shownRequestId(), tenantId };
  let text;
  if (values.length === 0) {
    try {
      text = JSON.stringify({ ...fields, message }, (_, value) => (value instanceof Error ? ofError(value) : value));
    } catch {
      text = JSON.stringify({ ...fields, message: format(message) });
    }
  } else {
    const error = values.find((value) => value instanceof Error);
    const { errorType, errorMessage, stackTrace } = error ? ofError(error) : {};
    text = JSON.stringify({ ...fields, message: format(message, ...values), errorType, errorMessage, stackTrace });
  }
  writeFrame(JSON_FRAME_MARK | ((LEVELS.indexOf(level) + 1) << 2), now, `${text}\n`);
}

function ofError(error) {
  const { name, stack } = error;
  // Errors of this runtime have a name and no class of their own.
  const isOurs = String(name).startsWith('Runtime.');
  return {
    errorType: isOurs ? name : (error.constructor?.name ?? 'UnknownError'),
    errorMessage: error.message,
    stackTrace: typeof stack === 'string' ? stack.split('\n') : stack,
    ...error,
    ...(isOurs ? { name: undefined } : {}),
  };
}

/** What a function writes is out before its result is: the event loop that would write the rest stands still afterwards. */
function blockOnWrites(name) {
  const { get, ...attributes } = Object.getOwnPropertyDescriptor(process, name);
  let stream;
  const open = () => {
    if (stream) return stream;
    stream = get.call(process);
    stream._handle?.setBlocking?.(true);
    return stream;
  };
  // Opened at first use only: that costs a millisecond.
  Object.defineProperty(process, name, { ...attributes, get: open });
}

function writeLine(level, message) {
  const now = new Date();
  writeFrame(FRAME_MARK, now, `${now.toISOString()}\t${shownRequestId()}\t${level}\t${message}\n`);
}

/** Before the first invocation AWS's older runtimes write `undefined`, or nothing in JSON. */
function shownRequestId() {
  return current().requestId ?? (withoutCallbacks ? '-' : undefined);
}

function writeFrame(mark, now, message) {
  const text = Buffer.from(message);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(mark >>> 0, 0);
  head.writeUInt32BE(text.length, 4);
  head.writeBigUInt64BE(BigInt(now.getTime()) * 1000n, 8);
  writeAll(1, Buffer.concat([head, text]));
}

// ---- the Runtime API ----

function post(what, body, errorType) {
  const data = Buffer.from(body);
  const type =
    errorType === undefined ? '' : `Lambda-Runtime-Function-Error-Type: ${errorType.replace(/[^ -~]/g, '?')}\r\n`;
  const head = `POST ${RUNTIME}${what} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${data.length}\r\n${type}\r\n`;
  return Buffer.concat([Buffer.from(head), data]);
}

function send(data) {
  writeAll(CONNECTION, data);
}

/** Skips the acknowledgements of what was posted. */
function receiveEvent() {
  for (;;) {
    const message = receive();
    if (message.headers.has('lambda-runtime-aws-request-id')) return message;
  }
}

function receive() {
  let end = received.indexOf('\r\n\r\n');
  while (end < 0) {
    received = Buffer.concat([received, read(READ_SIZE)]);
    end = received.indexOf('\r\n\r\n');
  }
  const headers = readHeaders(received, end);
  const start = end + 4;
  const length = Number(headers.get('content-length') ?? 0);
  if (received.length >= start + length) {
    const body = received.subarray(start, start + length);
    received = received.subarray(start + length);
    return { headers, body };
  }
  const body = Buffer.allocUnsafe(length);
  let filled = received.copy(body, 0, start);
  while (filled < length) {
    const count = readInto(body, filled, length - filled);
    filled += count;
  }
  received = Buffer.alloc(0);
  return { headers, body };
}

function readHeaders(input, end) {
  const headers = new Map();
  for (const line of input.toString('utf8', 0, end).split('\r\n').slice(1)) {
    const colon = line.indexOf(': ');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
  }
  return headers;
}

function read(size) {
  const buffer = Buffer.allocUnsafe(size);
  return buffer.subarray(0, readInto(buffer, 0, size));
}

function readInto(buffer, offset, size) {
  const count = fs.readSync(CONNECTION, buffer, offset, size);
  // The server is gone, and with it everybody who could want a result.
  if (count === 0) process.exit(0);
  return count;
}

function writeAll(descriptor, data) {
  let written = 0;
  while (written < data.length) {
    try {
      written += fs.writeSync(descriptor, data, written);
    } catch (error) {
      if (error.code === 'EPIPE' && descriptor >= CONNECTION) process.exit(0);
      // The function made its standard output non-blocking by using process.stdout.
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
