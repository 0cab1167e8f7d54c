// Grouping accuracy and speed of log patterns (engines/log-patterns).
//
//   LOG_PATTERN_FILES=HDFS_2k.log_structured.csv,… npm run bench -- log-patterns
//
// A file has LogHub's layout (github.com/logpai/loghub): CSV with the columns Content and EventId. Without files the logs
// are GENERATED here from templates in the manner of LogHub's systems: they resemble its data sets and are not them, so
// the published figures beside them (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE 2019, Drain,
// on 2,000 real lines each) are for orientation only.
// Grouping accuracy: share of the messages whose group holds exactly the messages of one true template.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import {
  currentOf,
  groupClusters,
  type LogCluster,
  PatternMiner,
  patternOf,
} from '../server/src/engines/log-patterns/log-patterns.ts';
import { seeded } from '../server/test/seeded-random.ts';
import type { Report } from './run.ts';

interface Sample {
  name: string;
  lines: { content: string; eventId: string }[];
  published?: number;
}

const SEED = 20261123;
const LINES = 2000;
const SPEED_LINES = 300_000;

export async function run(report: Report): Promise<void> {
  const files = process.env.LOG_PATTERN_FILES?.split(',') ?? [];
  const samples = files.length > 0 ? files.map(readSample) : generatedSamples();
  report(files.length > 0 ? 'Measured on the files given' : `GENERATED data, seed ${SEED}: not LogHub's files`);
  for (const { name, lines, published } of samples) {
    const { accuracy, found, templates } = groupingAccuracy(lines);
    const beside =
      published === undefined ? '' : ` (published for Drain on LogHub's real data: ${published.toFixed(3)})`;
    report(
      `${name}: ${lines.length} lines of ${templates} templates, ${found} patterns found, ` +
        `grouping accuracy ${accuracy.toFixed(3)}${beside}`,
    );
  }
  for (const { name, lines } of samples) {
    const messages =
      files.length > 0
        ? Array.from({ length: SPEED_LINES }, (_, i) => lines[i % lines.length]!.content)
        : generate(name, SPEED_LINES, SEED + 1).map(({ content }) => content);
    const miner = new PatternMiner();
    const start = performance.now();
    for (const message of messages) miner.add(message);
    const seconds = (performance.now() - start) / 1000;
    report(`${name}: ${Math.round(SPEED_LINES / seconds).toLocaleString('en')} messages/s on one core`);
  }
}

function groupingAccuracy(lines: Sample['lines']): { accuracy: number; found: number; templates: number } {
  const miner = new PatternMiner();
  const clusters = lines.map(({ content }) => miner.add(content));
  const groups = groupClusters(miner.clusters);
  const truth = new Map<string, number>();
  const found = new Map<LogCluster, { size: number; ids: Set<string> }>();
  for (const [i, { eventId }] of lines.entries()) {
    truth.set(eventId, (truth.get(eventId) ?? 0) + 1);
    const id = groups.get(currentOf(clusters[i]!))!;
    const group = found.get(id) ?? { size: 0, ids: new Set() };
    group.size++;
    group.ids.add(eventId);
    found.set(id, group);
  }
  let right = 0;
  for (const [cluster, { size, ids }] of found) {
    if (ids.size === 1 && truth.get([...ids][0]!) === size) right += size;
    else if (process.env.LOG_PATTERN_FAULTS)
      console.log('  wrong:', size, [...ids].join(' + '), patternOf(cluster).patternString);
  }
  return { accuracy: right / lines.length, found: found.size, templates: truth.size };
}

function readSample(path: string): Sample {
  const [header, ...rows] = parseCsv(readFileSync(path, 'utf8'));
  const content = header!.indexOf('Content');
  const eventId = header!.indexOf('EventId');
  if (content < 0 || eventId < 0) throw new Error(`${path} has no columns Content and EventId`);
  const lines = rows
    .filter((row) => row.length === header!.length)
    .map((row) => ({ content: row[content]!, eventId: row[eventId]! }));
  return { name: basename(path).replace(/_structured\.csv$/, ''), lines };
}

function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) throw new Error('the CSV is malformed');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

function generatedSamples(): Sample[] {
  const published: Record<string, number> = {
    'HDFS-like': 0.998,
    'Apache-like': 1,
    'Zookeeper-like': 0.967,
    'Linux-like': 0.69,
  };
  return Object.keys(TEMPLATES).map((name) => ({
    name,
    lines: generate(name, LINES, SEED),
    published: published[name]!,
  }));
}

/** Templates come as often as in real logs: a few of them make most of the lines. */
function generate(name: string, count: number, seed: number): Sample['lines'] {
  const random = seeded(seed);
  const templates = TEMPLATES[name]!;
  const weights = templates.map((_, i) => 1 / (i + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let left = random() * total;
    let chosen = 0;
    while (chosen < weights.length - 1 && left > weights[chosen]!) left -= weights[chosen++]!;
    const content = templates[chosen]!.replace(/\{(\w+)\}/g, (_, kind: string) => VALUES[kind]!(random));
    return { content, eventId: `E${chosen + 1}` };
  });
}

type Random = () => number;
const whole = (random: Random, below: number) => Math.floor(random() * below);
const oneOf = (random: Random, values: readonly string[]) => values[whole(random, values.length)]!;
const ip = (random: Random) => `10.${whole(random, 256)}.${whole(random, 256)}.${whole(random, 256)}`;
const VALUES: Record<string, (random: Random) => string> = {
  ip,
  endpoint: (random) => `${ip(random)}:${1024 + whole(random, 60_000)}`,
  block: (random) => `blk_${random() < 0.5 ? '-' : ''}${whole(random, 2 ** 31)}${whole(random, 2 ** 31)}`,
  number: (random) => String(whole(random, 100_000)),
  small: (random) => String(whole(random, 10)),
  hex: (random) => `0x${whole(random, 2 ** 40).toString(16)}`,
  user: (random) => oneOf(random, ['root', 'guest', 'test', 'news', 'cyrus', 'oracle', 'anna', 'mysql', 'backup']),
  host: (random) =>
    oneOf(random, ['mail.example.org', 'ns4.example.net', ip(random), 'dsl-201-7.example.com', 'gateway']),
  path: (random) =>
    `/srv/${oneOf(random, ['data', 'www', 'jobs'])}/${oneOf(random, ['daily', 'hourly'])}/part-${whole(random, 5000)}`,
  script: (random) =>
    `/var/www/html/${oneOf(random, ['index', 'search', 'admin', 'cart', 'awstats', 'test'])}.${oneOf(random, ['php', 'cgi', 'html'])}`,
  service: (random) => oneOf(random, ['crond', 'sshd', 'cupsd', 'portmap', 'syslogd', 'klogd', 'rpcidmapd']),
  time: (random) => `${whole(random, 24)}:${10 + whole(random, 50)}:${10 + whole(random, 50)}`,
};

/** Written for this bench in the manner of each system's log lines; most frequent first. */
const TEMPLATES: Record<string, string[]> = {
  'HDFS-like': [
    'Receiving block {block} source: /{endpoint} target: /{endpoint}',
    'Responder {small} for block {block} is ending',
    'Received block {block} of {number} bytes from /{ip}',
    'BLOCK* namesystem.addStored: {endpoint} now holds {block} with size {number}',
    'BLOCK* namesystem.remove: {block} goes to the invalid set of {endpoint}',
    'Deleting block {block} in file {path}',
    'BLOCK* namesystem.allocate: {path}. {block}',
    'Verified block {block} without fault',
    '{endpoint} served block {block} to /{ip}',
    '{endpoint}:Exception while block {block} was sent to /{ip}:',
    'Reopening block {block}',
    'BLOCK* asks {endpoint} to replicate {block} to datanodes {endpoint} {endpoint}',
    'Pending request of {block} ran out of time',
    'Changing length of meta file of {block} from {number} to {number}',
  ],
  'Apache-like': [
    'jk2_init() found child {number} in scoreboard slot {small}',
    'workerEnv.init() ok {path}',
    'mod_jk child workerEnv in error state {small}',
    '[client {ip}] No directory index allowed by rule: /var/www/html/',
    'jk2_init() cannot find child {number} in scoreboard',
    'mod_jk child init {small} -{small}',
    '[client {ip}] script not found or unable to stat: {script}',
    'caught SIGTERM, shutting down',
  ],
  'Zookeeper-like': [
    'Received connection request /{endpoint}',
    'Established session {hex} with negotiated timeout {number} for client /{endpoint}',
    'Closed socket connection for client /{endpoint} which had sessionid {hex}',
    'Cannot open channel to {small} at election address /{endpoint}',
    'Notification time out: {number}',
    'Send worker leaving thread',
    'Interrupted while waiting for message on queue',
    'Connection broken for id {number}, my id = {small}, error =',
    'Expiring session {hex}, timeout of {number}ms exceeded',
    'Processed session termination for sessionid: {hex}',
    'Client attempting to establish new session at /{endpoint}',
    'caught end of stream exception',
    'Snapshotting: {hex} to {path}',
    'Reading snapshot {path}',
    'Accepted socket connection from /{endpoint}',
    'FOLLOWING - LEADER ELECTION TOOK - {number}',
    'LEADING - LEADER ELECTION TOOK - {number}',
    'Have smaller server identifier, so dropping the connection: ({small}, {small})',
    'Follower sid: {small} : info : org.example.QuorumServer@{hex}',
    'Synchronizing with Follower sid: {small} maxCommittedLog={hex} minCommittedLog={hex} peerLastZxid={hex}',
    'Sending DIFF',
    'Getting a snapshot from leader',
    'New election. My id = {small}, proposed zxid={hex}',
    'autopurge.snapRetainCount set to {small}',
    'autopurge.purgeInterval set to {small}',
    'minSessionTimeout set to -{small}',
    'maxSessionTimeout set to -{small}',
    'tickTime set to {number}',
    'Starting quorum peer',
    'exiting normally',
  ],
  'Linux-like': [
    'authentication failure; logname= uid={small} euid={small} tty=NODEVssh ruser= rhost={host}',
    'connection from {ip} ({host}) at Sun Jul {small} {time} 2026',
    'session opened for user {user} by (uid={small})',
    'session closed for user {user}',
    'check pass; user unknown',
    'ALERT exited abnormally with [{small}]',
    'authentication failure; logname= uid={small} euid={small} tty=NODEVssh ruser= rhost={host}  user={user}',
    'Kerberos authentication failed',
    'ANONYMOUS FTP LOGIN FROM {host}, (anonymous)',
    '{service} startup succeeded',
    '{service} shutdown succeeded',
    "removing device node '/udev/vcs{small}'",
    "creating device node '/udev/vcs{small}'",
    'Received SNMP packet(s) from {ip}',
    'klogd {small}.{small}.{small}, log source = /proc/kmsg started.',
    'restart.',
    'ACPI: Subsystem revision {number}',
    'CPU {small} irqstacks, hard={hex} soft={hex}',
    'Dentry cache hash table entries: {number} (order: {small}, {number} bytes)',
    'Inode-cache hash table entries: {number} (order: {small}, {number} bytes)',
    'Mount-cache hash table entries: {number} (order: {small}, {number} bytes)',
    'Normal zone: {number} pages, LIFO batch:{small}',
    'HighMem zone: {number} pages, LIFO batch:{small}',
    'Detected {number}.{small} MHz processor.',
    'usbcore: registered new driver usbfs',
    'usbcore: registered new driver hub',
    "Couldn't authenticate user",
    'Authentication failed from {host} ({ip}): Permission denied in replay cache code',
    'Authentication failed from {host} ({ip}): Software caused connection abort',
    'User unknown timed out after {number} seconds at Mon Jul {small} {time} 2026',
    'ROOT LOGIN ON tty{small}',
    'Bringing up loopback interface: succeeded',
    'Setting network parameters: succeeded',
    'PCI: Using IRQ router PIIX/ICH [{number}/{number}] at {time}',
  ],
};
