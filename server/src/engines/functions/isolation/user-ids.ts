// The numbers that users of sandboxes have on the host, where Brume is root: one each, so that nothing in the kernel that goes
// by users (limits, abstract sockets, keys) joins two functions, or a function and root.

/** Far above what systems and container engines give away, below the end of signed numbers. */
const FIRST_USER_ID = 1_900_000_000;
const USER_IDS = 65_536;
/** Of all functions with file systems, which share what they write there; each sandbox still sees its own only. */
export const FILE_SYSTEM_USER = FIRST_USER_ID - 1;

export class UserIds {
  readonly #taken = new Set<number>();
  #next = 0;

  /** The one that was free the longest; undefined when all are taken. */
  take(): number | undefined {
    if (this.#taken.size === USER_IDS) return undefined;
    while (this.#taken.has(FIRST_USER_ID + this.#next)) this.#next = (this.#next + 1) % USER_IDS;
    const id = FIRST_USER_ID + this.#next;
    this.#taken.add(id);
    this.#next = (this.#next + 1) % USER_IDS;
    return id;
  }

  giveBack(id: number): void {
    this.#taken.delete(id);
  }
}
