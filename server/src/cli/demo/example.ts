// Where the example lies whose functions and file the demo uses.

import { fileURLToPath } from 'node:url';

export const EXAMPLE = fileURLToPath(new URL('../../../../examples/pipeline/', import.meta.url));
