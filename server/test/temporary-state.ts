// A state store of its own for a test, on real SQLite in a temporary directory.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#core/log.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';

export interface TemporaryState {
  state: StateStore;
  dir: string;
  /** Closes the store and removes the directory. */
  remove(): Promise<void>;
}

export async function temporaryState({ durable = false } = {}): Promise<TemporaryState> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-state-'));
  const state = await openStateStore({ dir, durable, log: createLogger('warn') });
  return {
    state,
    dir,
    async remove() {
      await state.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
