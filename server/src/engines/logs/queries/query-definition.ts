// Saved queries. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_QueryDefinition.html

import type { Clock } from '#core/clock.ts';
import { uuid } from '#core/ids.ts';
import { defineCollection, type StateStore } from '#storage/state/state.ts';
import type { LogScope } from '../log-group.ts';
import type { QueryLanguage } from './query-document.ts';

export interface QueryDefinitionDocument {
  id: string;
  name: string;
  queryString: string;
  queryLanguage: QueryLanguage;
  logGroupNames?: string[];
  parameters?: QueryParameter[];
  lastModifiedMs: number;
  /** Of the request that made it: the same request sent again finds it. */
  clientToken?: string;
}

export interface QueryParameter {
  name: string;
  defaultValue?: string;
  description?: string;
}

export type NewQueryDefinition = Omit<QueryDefinitionDocument, 'id' | 'lastModifiedMs'>;

/** Keyed by their ids. */
const QUERY_DEFINITIONS = defineCollection<QueryDefinitionDocument>('logs.query-definitions');

/** In an account and region, as on AWS. */
export const MOST_DEFINITIONS = 1000;

export class QueryDefinitionDirectory {
  readonly #state: StateStore;
  readonly #clock: Clock;

  constructor(state: StateStore, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** The id of the new definition, or of the one that a request with the same client token made; undefined when there are too many. */
  create(scope: LogScope, definition: NewQueryDefinition): Promise<string | undefined> {
    return this.#state.transact(async (tx) => {
      const existing = await tx.documents.range(QUERY_DEFINITIONS, scope);
      const { clientToken } = definition;
      const same =
        clientToken === undefined ? undefined : existing.find(({ value }) => value.clientToken === clientToken);
      if (same) return same.key;
      if (existing.length >= MOST_DEFINITIONS) return undefined;
      const id = uuid();
      await tx.documents.put(QUERY_DEFINITIONS, scope, id, { ...definition, id, lastModifiedMs: this.#clock.now() });
      return id;
    });
  }

  /** False when there is none of that id. Nothing of the old definition is kept. */
  replace(scope: LogScope, id: string, definition: NewQueryDefinition): Promise<boolean> {
    return this.#state.transact(async (tx) => {
      if (!(await tx.documents.get(QUERY_DEFINITIONS, scope, id))) return false;
      await tx.documents.put(QUERY_DEFINITIONS, scope, id, { ...definition, id, lastModifiedMs: this.#clock.now() });
      return true;
    });
  }

  /** False when there is none of that id. */
  delete(scope: LogScope, id: string): Promise<boolean> {
    return this.#state.transact((tx) => tx.documents.delete(QUERY_DEFINITIONS, scope, id));
  }

  /** In the order of their names. */
  async list(scope: LogScope): Promise<QueryDefinitionDocument[]> {
    const documents = await this.#state.documents.range(QUERY_DEFINITIONS, scope);
    const keyOf = ({ name, id }: QueryDefinitionDocument) => `${name}\n${id}`;
    return documents.map(({ value }) => value).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
}
