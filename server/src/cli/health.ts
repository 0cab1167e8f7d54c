// `brume health`: asks a running Brume how it is. Exit code 0 when it answers as healthy.

const LONGEST_WAIT_MS = 5000;
export const DEFAULT_ENDPOINT = 'http://127.0.0.1:4566';

export async function health(options: { endpoint: string; json?: boolean }): Promise<number> {
  let facts: Record<string, unknown>;
  try {
    const response = await fetch(new URL('/_brume/health', options.endpoint), {
      signal: AbortSignal.timeout(LONGEST_WAIT_MS),
    });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    facts = (await response.json()) as Record<string, unknown>;
  } catch (error) {
    process.stderr.write(`No Brume answers at ${options.endpoint}: ${reason(error as Error)}\n`);
    return 1;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
  else process.stdout.write(`${lines(facts).join('\n')}\n`);
  return facts.status === 'ok' ? 0 : 1;
}

/** `clock.now` and the like as one line each. */
function lines(facts: Record<string, unknown>, prefix = ''): string[] {
  return Object.entries(facts).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null
      ? lines(value as Record<string, unknown>, `${prefix}${key}.`)
      : [`${`${prefix}${key}`.padEnd(24)} ${String(value)}`],
  );
}

function reason(error: Error): string {
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (cause?.code === 'ECONNREFUSED') return 'nothing listens there. Start one with `brume start`.';
  return cause?.message ?? error.message;
}
