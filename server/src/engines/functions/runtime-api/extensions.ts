// The Extensions API: who registered, for what, who is ready, and who failed.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
//
// External extensions are the files of /opt/extensions: each must register before the runtime starts. Internal ones are threads
// of the runtime, and register until it asks for its first event. A phase is over when all wait for the next event.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { uuid } from '#core/ids.ts';
import type { FunctionVersion } from '../function-engine.ts';
import { accepted, answerJson, forbidden, notFound, readBody } from './answers.ts';

type State = 'Started' | 'Registered' | 'Ready' | 'Running' | 'InitError' | 'ExitError' | 'Exited' | 'LaunchError';

export interface Extension {
  readonly id: string;
  readonly name: string;
  readonly isExternal: boolean;
  state: State;
  events: string[];
  errorType: string | undefined;
}

interface Registered extends Extension {
  waiting: ServerResponse | undefined;
  /** What it gets when it asks. */
  due: object | undefined;
}

/** Why the environment cannot go on. */
export interface ExtensionFailure {
  errorType: string;
  message: string;
}

export interface InvokeEvent {
  requestId: string;
  deadlineMs: number;
  invokedFunctionArn: string;
  traceHeader: string | undefined;
}

export type ShutdownReason = 'spindown' | 'timeout' | 'failure';

export const EXTENSION_PREFIX = '/2020-01-01/extension/';
/** Of all kinds. */
export const MOST_EXTENSIONS = 10;
const LARGEST_REQUEST_BYTES = 256 * 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class Extensions {
  readonly #version: Pick<FunctionVersion, 'account' | 'functionName' | 'version' | 'handler'>;
  readonly #extensions: Registered[] = [];
  #isOpen = true;
  #isShuttingDown = false;
  #failure: ExtensionFailure | undefined;
  #waits: { isDone: () => boolean; resolve: (failure: ExtensionFailure | undefined) => void }[] = [];
  /** Told of the first failure, once. */
  onFailure: ((failure: ExtensionFailure) => void) | undefined;

  constructor(version: Pick<FunctionVersion, 'account' | 'functionName' | 'version' | 'handler'>, external: string[]) {
    this.#version = version;
    for (const name of external) this.#add(name, true);
  }

  get all(): readonly Extension[] {
    return this.#extensions;
  }

  get failure(): ExtensionFailure | undefined {
    return this.#failure;
  }

  /** The one that asks, by its header; answers otherwise. */
  identify(request: IncomingMessage, response: ServerResponse): Extension | undefined {
    return this.#identify(request, response);
  }

  async serve(request: IncomingMessage, response: ServerResponse, what: string): Promise<void> {
    const route = `${request.method} ${what}`;
    if (route === 'POST register') return this.#register(request, response);
    if (route === 'GET event/next') return this.#next(request, response);
    if (route === 'POST init/error') return this.#error(request, response, 'InitError');
    if (route === 'POST exit/error') return this.#error(request, response, 'ExitError');
    notFound(response);
  }

  /** Resolves when all external ones have registered, or with what went wrong. */
  whenRegistered(): Promise<ExtensionFailure | undefined> {
    return this.#when(() => this.#extensions.every(({ state }) => state !== 'Started'));
  }

  /** None may register from now on. */
  close(): void {
    this.#isOpen = false;
  }

  /** Resolves when all wait for an event, or with what went wrong. */
  whenReady(): Promise<ExtensionFailure | undefined> {
    return this.#when(() => this.#extensions.every(({ state }) => state === 'Ready'));
  }

  invoke({ requestId, deadlineMs, invokedFunctionArn, traceHeader }: InvokeEvent): void {
    const tracing = { type: 'X-Amzn-Trace-Id', value: traceHeader ?? '' };
    this.#send('INVOKE', { eventType: 'INVOKE', deadlineMs, requestId, invokedFunctionArn, tracing });
  }

  /** The end of one is no failure from now on. */
  beginShutdown(): void {
    this.#isShuttingDown = true;
  }

  shutDown(shutdownReason: ShutdownReason, deadlineMs: number): void {
    this.#send('SHUTDOWN', { eventType: 'SHUTDOWN', shutdownReason, deadlineMs });
  }

  /** Nobody waits for any of them any more. */
  abandon(): void {
    this.#fail('Extension.Shutdown', 'The environment was ended.');
  }

  /** It could not be started. */
  launchFailed(name: string, problem: string): void {
    const extension = this.#extensions.find((one) => one.name === name)!;
    extension.state = 'LaunchError';
    extension.errorType = problem.endsWith('permission denied') ? 'PermissionDenied' : 'UnknownError';
    this.#fail('Extension.LaunchError', problem);
  }

  tooMany(): void {
    for (const extension of this.#extensions.slice(MOST_EXTENSIONS)) {
      extension.state = 'LaunchError';
      extension.errorType = 'TooManyExtensions';
    }
    this.#fail('Extension.LaunchError', 'ErrTooManyExtensions');
  }

  /** Its process is gone. */
  ended(name: string, description: string): void {
    const extension = this.#extensions.find((one) => one.name === name)!;
    if (this.#isShuttingDown) return;
    const { state } = extension;
    if (state !== 'InitError' && state !== 'ExitError') {
      extension.state = 'Exited';
      extension.errorType = 'Extension.Crash';
    }
    this.#fail('Extension.Crash', description === 'exit status 0' ? 'exit code 0' : description);
  }

  #add(name: string, isExternal: boolean): Registered {
    const extension: Registered = {
      id: uuid(),
      name,
      isExternal,
      state: 'Started',
      events: [],
      errorType: undefined,
      waiting: undefined,
      due: undefined,
    };
    this.#extensions.push(extension);
    return extension;
  }

  async #register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = request.headers['lambda-extension-name'];
    if (typeof name !== 'string' || name === '') {
      return forbidden(response, 'Extension.InvalidExtensionName', 'Empty extension name');
    }
    const body = await readBody(request, LARGEST_REQUEST_BYTES);
    if (!body) return;
    const events = 'tooLarge' in body ? undefined : readEvents(body);
    if (!events) return forbidden(response, 'InvalidRequestFormat', 'The body is no JSON with a list of events.');
    const external = this.#extensions.find((one) => one.isExternal && one.name === name);
    const allowed = external ? ['INVOKE', 'SHUTDOWN'] : ['INVOKE'];
    const wrong = events.find((event) => !allowed.includes(event));
    if (wrong !== undefined) {
      const reason = wrong === 'SHUTDOWN' ? 'ShutdownEventNotSupportedForInternalExtension' : 'InvalidEventType';
      return forbidden(response, 'Extension.InvalidEventType', `${wrong}: ${reason}`);
    }
    const extension = external ?? this.#newInternal(response, name);
    if (!extension) return;
    if (extension.state !== 'Started') return invalidState(response, extension, 'Registered');
    extension.state = 'Registered';
    extension.events = [...new Set(events)];
    const { account, functionName, version, handler } = this.#version;
    const features = String(request.headers['lambda-extension-accept-feature'] ?? '').split(',');
    const wantsAccount = features.some((feature) => feature.trim() === 'accountId');
    answerJson(
      response,
      200,
      { functionName, functionVersion: version, handler, ...(wantsAccount ? { accountId: account } : {}) },
      { 'Lambda-Extension-Identifier': extension.id },
    );
    this.#changed();
  }

  #newInternal(response: ServerResponse, name: string): Registered | undefined {
    if (!this.#isOpen) {
      forbidden(response, 'Extension.RegistrationClosed', 'Extension registration closed already');
    } else if (this.#extensions.some((one) => one.name === name)) {
      forbidden(response, 'Extension.InvalidExtensionState', 'Extension with this name already registered');
    } else if (this.#extensions.length >= MOST_EXTENSIONS) {
      forbidden(response, 'Extension.TooManyExtensions', `Extension limit (${MOST_EXTENSIONS}) reached`);
    } else return this.#add(name, false);
    return undefined;
  }

  #next(request: IncomingMessage, response: ServerResponse): void {
    const extension = this.#identify(request, response);
    if (!extension) return;
    if (!['Registered', 'Ready', 'Running'].includes(extension.state)) {
      invalidState(response, extension, 'Ready');
      return;
    }
    extension.waiting = response;
    response.once('close', () => {
      if (extension.waiting === response) extension.waiting = undefined;
    });
    if (extension.due) {
      deliver(extension);
      return;
    }
    extension.state = 'Ready';
    this.#changed();
  }

  async #error(request: IncomingMessage, response: ServerResponse, state: 'InitError' | 'ExitError'): Promise<void> {
    const extension = this.#identify(request, response);
    if (!extension) return;
    const errorType = request.headers['lambda-extension-function-error-type'];
    if (typeof errorType !== 'string' || errorType === '') {
      const message = 'Lambda-Extension-Function-Error-Type not found';
      return forbidden(response, 'Extension.MissingHeader', message);
    }
    const isAllowed = state === 'ExitError' ? ['Registered', 'Ready', 'Running'] : ['Registered'];
    if (!isAllowed.includes(extension.state)) return invalidState(response, extension, state);
    extension.state = state;
    extension.errorType = errorType;
    accepted(response);
    if (!this.#isShuttingDown) this.#fail(`Extension.${state}`, errorType);
  }

  #identify(request: IncomingMessage, response: ServerResponse): Registered | undefined {
    const id = request.headers['lambda-extension-identifier'];
    if (typeof id !== 'string' || id === '') {
      forbidden(response, 'Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header');
      return undefined;
    }
    if (!UUID.test(id)) {
      forbidden(response, 'Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier');
      return undefined;
    }
    const extension = this.#extensions.find((one) => one.id === id.toLowerCase());
    if (!extension) forbidden(response, 'Extension.UnknownExtensionIdentifier', `Unknown extension ${id}`);
    return extension;
  }

  #send(event: 'INVOKE' | 'SHUTDOWN', body: object): void {
    for (const extension of this.#extensions) {
      if (!extension.events.includes(event)) continue;
      if (!['Ready', 'Running', 'Registered'].includes(extension.state)) continue;
      extension.state = 'Running';
      extension.due = body;
      deliver(extension);
    }
  }

  #when(isDone: () => boolean): Promise<ExtensionFailure | undefined> {
    if (this.#failure || isDone()) return Promise.resolve(this.#failure);
    return new Promise((resolve) => this.#waits.push({ isDone, resolve }));
  }

  #fail(errorType: string, message: string): void {
    if (this.#failure) return;
    this.#failure = { errorType, message };
    this.onFailure?.(this.#failure);
    this.#changed();
  }

  #changed(): void {
    this.#waits = this.#waits.filter(({ isDone, resolve }) => {
      if (!this.#failure && !isDone()) return true;
      resolve(this.#failure);
      return false;
    });
  }
}

function deliver(extension: Registered): void {
  const { waiting, due, id } = extension;
  if (!waiting || !due) return;
  extension.waiting = undefined;
  extension.due = undefined;
  answerJson(waiting, 200, due, { 'Lambda-Extension-Identifier': id, 'Lambda-Extension-Event-Identifier': uuid() });
}

function readEvents(body: Buffer): string[] | undefined {
  try {
    const { events = [] } = JSON.parse(body.toString()) as { events?: unknown };
    return Array.isArray(events) && events.every((event) => typeof event === 'string') ? events : undefined;
  } catch {
    return undefined;
  }
}

function invalidState(response: ServerResponse, { state, id }: Extension, to: string): void {
  forbidden(
    response,
    'Extension.InvalidExtensionState',
    `State transition from ${state} to ${to} failed for extension ${id}. Error: State transition is not allowed`,
  );
}
