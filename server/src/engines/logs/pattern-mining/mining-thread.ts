// The thread that pattern-mining.ts starts: one task, one answer.

import { parentPort } from 'node:worker_threads';
import { type MiningTask, runTask } from './mining-task.ts';

export type ThreadAnswer = { answer: unknown } | { error: string };

const port = parentPort!;

port.on('message', (task: MiningTask) => {
  port.postMessage(attempt(task));
});

function attempt(task: MiningTask): ThreadAnswer {
  try {
    return { answer: runTask(task) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
