// So many at once for each key; the others wait for a place in the order in which they came.

export class Places {
  readonly #most: number;
  readonly #taken = new Map<string, { count: number; waiting: (() => void)[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves once there is a place; what it gives hands the place on. */
  async enter(key: string): Promise<() => void> {
    const places = this.#taken.get(key) ?? { count: 0, waiting: [] };
    this.#taken.set(key, places);
    if (places.count < this.#most) places.count++;
    else await new Promise<void>((resolve) => places.waiting.push(resolve));
    return () => {
      const next = places.waiting.shift();
      if (next) return next();
      if (--places.count === 0) this.#taken.delete(key);
    };
  }
}
