// What STS's operations need.

import type { ServiceDependencies } from '../dependencies.ts';

export type StsDependencies = Pick<ServiceDependencies, 'state' | 'clock' | 'call' | 'config'>;
