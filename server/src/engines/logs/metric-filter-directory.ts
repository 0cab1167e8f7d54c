// The metric filters of groups: stored documents, and their compiled form on the group.

import type { StateStore } from '#storage/state/state.ts';
import type { GroupDirectory } from './group-directory.ts';
import { LOG_GROUPS, type LogGroup, type LogScope } from './log-group.ts';
import { compileMetricFilter, METRIC_FILTERS, type MetricFilterDocument } from './metric-filter.ts';

export class MetricFilterDirectory {
  readonly #state: StateStore;
  readonly #groups: GroupDirectory;

  constructor(state: StateStore, groups: GroupDirectory) {
    this.#state = state;
    this.#groups = groups;
  }

  /** Makes or replaces a filter; false when the group is gone. Throws FilterPatternError. */
  async put(group: LogGroup, document: MetricFilterDocument): Promise<boolean> {
    const compiled = compileMetricFilter(document, group.scope);
    const stored = await this.#state.transact(async (tx) => {
      const current = await tx.documents.get(LOG_GROUPS, group.scope, group.name);
      if (current?.groupId !== group.id) return false;
      await tx.documents.put(METRIC_FILTERS, group.scope, group.streamKey(document.name), document);
      return true;
    });
    if (stored) group.metricFilters.set(document.name, compiled);
    return stored;
  }

  /** False when there is none of that name. */
  async delete(group: LogGroup, name: string): Promise<boolean> {
    const deleted = await this.#state.transact((tx) =>
      tx.documents.delete(METRIC_FILTERS, group.scope, group.streamKey(name)),
    );
    group.metricFilters.delete(name);
    return deleted;
  }

  /** The filters of a group, or of all groups of a scope, in the order of their names. */
  async list(scope: LogScope, of?: LogGroup): Promise<{ group: LogGroup; document: MetricFilterDocument }[]> {
    const groups = of ? [of] : await this.#groups.list(scope);
    const filters = groups.flatMap((group) =>
      [...group.metricFilters.values()].map(({ document }) => ({ group, document })),
    );
    const keyOf = ({ group, document }: (typeof filters)[number]) => `${document.name}\n${group.name}`;
    return filters.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
}
