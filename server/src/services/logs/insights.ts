// The part of the service that queries: Logs Insights, with what is saved, looked up and scheduled for it.

import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { PatternMining } from '#engines/logs/pattern-mining/pattern-mining.ts';
import { InsightsPlanner } from '#engines/logs/queries/insights-planner.ts';
import { LookupTableDirectory } from '#engines/logs/queries/lookup-table.ts';
import { QueryDefinitionDirectory } from '#engines/logs/queries/query-definition.ts';
import { QueryEngine } from '#engines/logs/queries/query-engine.ts';
import { QueryScheduler } from '#engines/logs/queries/query-scheduler.ts';
import { type ScheduledQueryDocument, scheduledQueryArn } from '#engines/logs/queries/scheduled-query.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { groupDoesNotExist, nameOf } from './log-group-reference.ts';
import type { Insights } from './logs.ts';
import { deliverResults } from './scheduled-results.ts';

type InsightsDependencies = Pick<ServiceDependencies, 'logs' | 'clock' | 'state' | 'telemetry' | 'call' | 'log'>;

export function createInsights(dependencies: InsightsDependencies, patternMining: PatternMining): Insights {
  const { logs: store, clock, state, telemetry, call, log } = dependencies;
  const lookupTables = new LookupTableDirectory(state, clock);
  const planner = new InsightsPlanner({ store, telemetry, lookupTables, patternMining });
  const queries = new QueryEngine({ state, clock, log, planner });

  const groupsOf = async (scope: LogScope, identifiers: readonly string[]) => {
    const groups = new Set<LogGroup>();
    for (const identifier of identifiers) {
      const name = nameOf(identifier, scope);
      const group = name === undefined ? undefined : await store.groups.find(scope, name);
      if (!group) throw groupDoesNotExist();
      groups.add(group);
    }
    return [...groups];
  };
  const startRun = async (scope: LogScope, query: ScheduledQueryDocument, fromMs: number, toMs: number) => {
    const { queryString, queryLanguage, logGroupIdentifiers = [], id } = query;
    const groups = await groupsOf(scope, logGroupIdentifiers);
    const userIdentity = scheduledQueryArn(scope, id);
    return (await queries.start(scope, { queryString, queryLanguage, fromMs, toMs, groups, userIdentity })).id;
  };
  const deliver: ConstructorParameters<typeof QueryScheduler>[0]['deliver'] = (...run) =>
    deliverResults({ call, lookupTables }, ...run);

  return {
    definitions: new QueryDefinitionDirectory(state, clock),
    lookupTables,
    queries,
    scheduler: new QueryScheduler({ state, clock, log, queries, startRun, deliver }),
    async checkQuery(scope, queryString, queryLanguage, logGroupIdentifiers) {
      const range = { fromMs: clock.now(), toMs: clock.now() };
      const groups = await groupsOf(scope, logGroupIdentifiers);
      await planner.prepare(scope, { queryString, queryLanguage, ...range }, groups, clock.now());
    },
  };
}
