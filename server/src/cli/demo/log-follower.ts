// Follows the logs of the demo's functions live, as `aws logs tail --follow` does, through StartLiveTail.

import { type CloudWatchLogsClient, StartLiveTailCommand } from '@aws-sdk/client-cloudwatch-logs';

export interface LogFollower {
  /** Resolves with the first line, past or future, that matches. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<string>;
  stop(): void;
}

/** `onLine` sees every line with the name of its function. Resolves once the tail is attached. */
export async function followLogs(
  logs: CloudWatchLogsClient,
  groupArns: string[],
  onLine: (functionName: string, line: string) => void,
): Promise<LogFollower> {
  const abort = new AbortController();
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  const { responseStream } = await logs.send(new StartLiveTailCommand({ logGroupIdentifiers: groupArns }), {
    abortSignal: abort.signal,
  });
  const iterator = responseStream![Symbol.asyncIterator]();
  // The first event says that the session has started; what is logged from now on will come.
  await iterator.next();
  const reading = (async () => {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) return;
      for (const event of value.sessionUpdate?.sessionResults ?? []) {
        const line = event.message!.trimEnd();
        seen.push(line);
        onLine(event.logGroupIdentifier!.replace(/^.*\/aws\/lambda\//, ''), line);
      }
      for (const wake of waiting) wake();
    }
  })();
  reading.catch(() => {
    // The end of the session, ours or the server's: whoever still waits runs into its timeout.
  });
  return {
    async waitFor(pattern, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const found = seen.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw new Error(`no log line matched ${pattern} within ${timeoutMs / 1000} s`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, leftMs);
          function done() {
            clearTimeout(timer);
            waiting.delete(done);
            resolve();
          }
          waiting.add(done);
        });
      }
    },
    stop: () => abort.abort(),
  };
}
