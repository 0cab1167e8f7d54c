// Waiting for what comes by itself.

export const LONGEST_WAIT_MS = 30_000;
const POLL_MS = 50;

/** Asks until there is an answer; `what` names it when it does not come. */
export async function poll<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${what} did not come within ${LONGEST_WAIT_MS / 1000} s`);
}
