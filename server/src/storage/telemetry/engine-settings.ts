// How ClickHouse is set up, in one place: what the engine process needs to know and the settings of its sessions.

import { availableParallelism, totalmem } from 'node:os';
import { basename } from 'node:path';
import { type EngineLane, MAX_RESULT_BYTES } from './engine-protocol.ts';

export interface EngineSettings {
  /** ClickHouse's data directory. */
  path: string;
  lockPath: string;
  /** Written before the engine opens: what cannot be said on its command line. Its directory is the engine's working directory. */
  configuration: { path: string; text: string };
  readSessions: number;
  serverMemoryBytes: number;
  /** Server configuration, in chdb's command-line form. */
  serverArguments: string[];
  /** Statements that create the tables. */
  schema: string[];
}

const GB = 1024 ** 3;
const MB = 1024 ** 2;
const MAX_SERVER_MEMORY_BYTES = 4 * GB;
const MIN_SERVER_MEMORY_BYTES = 512 * MB;

/**
 * How columns without a codec of their own are compressed, by the compressed bytes of what a part is merged of: new parts cheaply,
 * those that stay well. Queries read both at the same speed. docs/decisions/0012-compression-in-merges.md
 */
const COMPRESSION = [
  { minPartBytes: 0, level: 1 },
  { minPartBytes: 16_000_000, level: 9 },
];

export function engineSettings(options: {
  path: string;
  lockPath: string;
  configurationPath: string;
  schema: string[];
}): EngineSettings {
  const { configurationPath, ...rest } = options;
  const quarter = Math.floor(totalmem() / 4);
  const serverMemoryBytes = Math.min(MAX_SERVER_MEMORY_BYTES, Math.max(MIN_SERVER_MEMORY_BYTES, quarter));
  const cacheBytes = Math.floor(serverMemoryBytes / 16);
  return {
    ...rest,
    configuration: { path: configurationPath, text: configurationOf(COMPRESSION) },
    readSessions: Math.max(4, availableParallelism() * 2),
    serverMemoryBytes,
    serverArguments: [
      // Seen from the engine's working directory: ClickHouse does not find it by a path with a backslash.
      `--config-file=${basename(configurationPath)}`,
      `--max_server_memory_usage=${serverMemoryBytes}`,
      `--mark_cache_size=${cacheBytes}`,
      `--primary_index_cache_size=${cacheBytes}`,
      `--index_mark_cache_size=${cacheBytes}`,
    ],
  };
}

/** The last case that fits is taken. */
function configurationOf(compression: typeof COMPRESSION): string {
  const cases = compression.map(
    ({ minPartBytes, level }) =>
      `<case><min_part_size>${minPartBytes}</min_part_size><min_part_size_ratio>0</min_part_size_ratio>` +
      `<method>zstd</method><level>${level}</level></case>`,
  );
  return `<clickhouse><compression>${cases.join('')}</compression></clickhouse>`;
}

/** libuv runs each native query on a thread of its pool, which has four by default. */
export function threadPoolSize(settings: EngineSettings): number {
  return settings.readSessions + 8;
}

/** The SET statement of a new session. */
export function sessionSettings(settings: EngineSettings, lane: EngineLane): string {
  const queryMemory = Math.floor(settings.serverMemoryBytes / 2);
  const values: Record<string, number | string> = {
    async_insert: 0,
    // Lists of streams and of metrics stand in the text.
    max_query_size: 16 * MB,
    max_ast_elements: 1_000_000,
    max_expanded_ast_elements: 1_000_000,
    max_memory_usage: queryMemory,
    max_bytes_before_external_group_by: Math.floor(queryMemory / 2),
    max_bytes_before_external_sort: Math.floor(queryMemory / 2),
    // Row objects with plain numbers: the 64-bit columns of the tables are all safe integers.
    output_format_json_quote_64bit_integers: 0,
    output_format_json_quote_denormals: 0,
    output_format_json_escape_forward_slashes: 0,
  };
  if (lane === 'read') {
    values.max_result_bytes = MAX_RESULT_BYTES;
    values.result_overflow_mode = "'throw'";
    // 2: no writes, though settings may change. The last one set, for it locks itself.
    values.readonly = 2;
  } else {
    // An ALTER … DELETE returns when it is done.
    values.mutations_sync = 1;
    values.throw_on_max_partitions_per_insert_block = 0;
    // Skip indexes come with the first merge: the tokens alone are half the CPU of an insert.
    values.materialize_skip_indexes_on_insert = 0;
    values.max_insert_threads = 1;
  }
  return `SET ${Object.entries(values)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ')}`;
}
