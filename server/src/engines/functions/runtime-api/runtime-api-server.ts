// The HTTP address of one environment: what AWS_LAMBDA_RUNTIME_API names. It takes connections of the environment's own
// processes only, and none has a time-out: an environment may be frozen for as long as it likes.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { RuntimeRequests } from '../runtime-connection.ts';
import { notFound } from './answers.ts';
import { isHeldBy, type Processes } from './peer.ts';
import { RUNTIME_PREFIX, RuntimeRoutes } from './runtime-routes.ts';

/** Serves what follows its prefix. */
export interface Routes {
  serve(request: IncomingMessage, response: ServerResponse, what: string): Promise<void>;
}

const HOST = '127.0.0.1';
const MOST_CONNECTIONS = 256;

export class RuntimeApiServer {
  readonly #http: Server;
  readonly #tcp: TcpServer;
  readonly #sockets = new Set<Socket>();
  #processes: Processes = () => [];
  #runtime: RuntimeRoutes | undefined;
  #others: Readonly<Record<string, Routes>> = {};

  private constructor() {
    this.#http = createServer((request, response) => void this.#serve(request, response));
    Object.assign(this.#http, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, timeout: 0 });
    this.#tcp = createTcpServer({ noDelay: true, pauseOnConnect: true }, async (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      if (!(await isHeldBy(socket, this.#processes))) return void socket.destroy();
      this.#http.emit('connection', socket);
      socket.resume();
    });
    this.#tcp.maxConnections = MOST_CONNECTIONS;
  }

  static async listen(): Promise<RuntimeApiServer> {
    const server = new RuntimeApiServer();
    server.#tcp.listen(0, HOST);
    await once(server.#tcp, 'listening');
    // It keeps no process alive.
    server.#tcp.unref();
    return server;
  }

  /** As in AWS_LAMBDA_RUNTIME_API. */
  get address(): string {
    return `${HOST}:${(this.#tcp.address() as AddressInfo).port}`;
  }

  /**
   * Whose connections it takes from now on: the processes of the start that follows, and what they reach besides the Runtime
   * API, by prefix. What was connected before goes.
   */
  admit(processes: Processes, others: Readonly<Record<string, Routes>> = {}): void {
    this.#disconnect();
    this.#processes = processes;
    this.#others = others;
    this.#runtime = undefined;
  }

  /** A runtime that speaks over this API. */
  attach(requests: RuntimeRequests): RuntimeRoutes {
    this.#runtime = new RuntimeRoutes(requests);
    return this.#runtime;
  }

  close(): void {
    this.#tcp.close();
    this.#disconnect();
  }

  #disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const path = request.url ?? '';
    try {
      const served: Record<string, Routes> = {
        ...(this.#runtime ? { [RUNTIME_PREFIX]: this.#runtime } : {}),
        ...this.#others,
      };
      const prefix = Object.keys(served).find((one) => path.startsWith(one));
      if (prefix === undefined) notFound(response);
      else await served[prefix]!.serve(request, response, path.slice(prefix.length));
    } catch {
      response.destroy();
    } finally {
      // What was answered before all of it was read.
      if (!request.complete) request.resume();
    }
  }
}
