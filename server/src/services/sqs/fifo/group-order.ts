// The order of one FIFO queue, in memory: for each message group its messages as they were sent. A group is locked while one of
// its messages is in flight (or its first one is delayed); a receive takes from the first of the groups that are not, which
// then goes behind the others.

interface Entry {
  id: number;
  group: string;
  availableAtMs: number;
  received: boolean;
}

interface Group {
  name: string;
  entries: Entry[];
  /** Until then nothing of it is given out; the past when it is not locked. */
  lockedUntilMs: number;
}

export class GroupOrder {
  readonly #entries = new Map<number, Entry>();
  readonly #ready = new Map<string, Group>();
  readonly #locked = new Map<string, Group>();
  /** No locked group ends before. */
  #nextUnlockMs = Number.POSITIVE_INFINITY;

  /** A message behind all others of its group. */
  add(id: number, group: string, availableAtMs: number, received: boolean, nowMs: number): void {
    const entry = { id, group, availableAtMs, received };
    this.#entries.set(id, entry);
    const found = this.#ready.get(group) ?? this.#locked.get(group);
    if (found) {
      found.entries.push(entry);
      if (received) this.#place(found, nowMs);
      return;
    }
    this.#place({ name: group, entries: [entry], lockedUntilMs: 0 }, nowMs);
  }

  /** The messages that a receive may take, as many as possible of each group, in order. */
  choose(limit: number, nowMs: number): number[] {
    this.#unlock(nowMs);
    const chosen: number[] = [];
    for (const { entries } of this.#ready.values()) {
      for (const { id, availableAtMs } of entries) {
        if (chosen.length >= limit) return chosen;
        if (availableAtMs > nowMs) break;
        chosen.push(id);
      }
    }
    return chosen;
  }

  /** A message was received, or its visibility changed: it is hidden until then. */
  hide(id: number, untilMs: number, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.availableAtMs = untilMs;
    entry.received = true;
    this.#place(this.#groupOf(entry), nowMs);
  }

  remove(id: number, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    const group = this.#groupOf(entry);
    group.entries.splice(group.entries.indexOf(entry), 1);
    this.#place(group, nowMs);
  }

  clear(): void {
    this.#entries.clear();
    this.#ready.clear();
    this.#locked.clear();
  }

  /** When a receive may find something: now or later; undefined when nothing is there. */
  nextReadyAtMs(nowMs: number): number | undefined {
    this.#unlock(nowMs);
    if (this.#ready.size > 0) return nowMs;
    return this.#locked.size > 0 ? this.#nextUnlockMs : undefined;
  }

  /** Message groups of which something is in flight. */
  groupsInFlight(nowMs: number): number {
    this.#unlock(nowMs);
    let count = 0;
    for (const { entries } of this.#locked.values()) if (entries[0]!.received) count++;
    return count;
  }

  #groupOf({ group }: Entry): Group {
    return (this.#ready.get(group) ?? this.#locked.get(group))!;
  }

  #unlock(nowMs: number): void {
    if (nowMs < this.#nextUnlockMs) return;
    this.#nextUnlockMs = Number.POSITIVE_INFINITY;
    for (const group of [...this.#locked.values()]) {
      if (group.lockedUntilMs <= nowMs) this.#place(group, nowMs);
      else this.#nextUnlockMs = Math.min(this.#nextUnlockMs, group.lockedUntilMs);
    }
  }

  /** Where the group belongs: behind the others that are ready, among the locked, or nowhere. */
  #place(group: Group, nowMs: number): void {
    const { name, entries } = group;
    this.#ready.delete(name);
    this.#locked.delete(name);
    const first = entries[0];
    if (!first) return;
    let lockedUntilMs = first.availableAtMs;
    // Receives take from the front, so what was received stands there.
    for (const { received, availableAtMs } of entries) {
      if (!received) break;
      lockedUntilMs = Math.max(lockedUntilMs, availableAtMs);
    }
    group.lockedUntilMs = lockedUntilMs;
    if (lockedUntilMs <= nowMs) {
      this.#ready.set(name, group);
    } else {
      this.#locked.set(name, group);
      this.#nextUnlockMs = Math.min(this.#nextUnlockMs, lockedUntilMs);
    }
  }
}
