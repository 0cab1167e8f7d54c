// S3 tells times to the second.

/** The second in which something happened. */
export function wholeSeconds(atMs: number): Date {
  return new Date(Math.floor(atMs / 1000) * 1000);
}
