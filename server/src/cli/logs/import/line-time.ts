// When a log line says it was written: readers for the formats that `brume logs import` knows.

export type ImportFormat = 'json' | 'text' | 'apache' | 'nginx' | 'syslog';

/** Milliseconds since the epoch, or undefined when the line does not say. Times without a zone are UTC. */
export type TimeReader = (line: string) => number | undefined;

export function timeReader(format: ImportFormat, nowMs: number): TimeReader {
  switch (format) {
    case 'json':
      return jsonTime;
    case 'apache':
      return (line) => accessLogTime(line) ?? errorLogTime(line);
    case 'nginx':
      return (line) => accessLogTime(line) ?? nginxErrorTime(line);
    case 'syslog':
      return (line) => syslogTime(line, nowMs);
    case 'text':
      return textReader(nowMs);
  }
}

/** What most of the first lines look like. */
export function detectFormat(lines: readonly string[], nowMs: number): ImportFormat {
  const candidates: [ImportFormat, (line: string) => boolean][] = [
    ['json', (line) => line.startsWith('{') && parseObject(line) !== undefined],
    ['apache', (line) => accessLogTime(line) !== undefined || errorLogTime(line) !== undefined],
    ['nginx', (line) => nginxErrorTime(line) !== undefined],
    ['syslog', (line) => syslogTime(line, nowMs) !== undefined],
  ];
  const full = lines.filter((line) => line.trim() !== '');
  for (const [format, fits] of candidates) {
    if (full.length > 0 && full.filter(fits).length > full.length / 2) return format;
  }
  return 'text';
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY_MS = 86_400_000;
/** Nothing was logged before; what reads as earlier is no time. */
const EARLIEST_MS = Date.UTC(1980, 0);
const LATEST_MS = Date.UTC(2200, 0);

// ---- JSON ----

const TIME_KEYS = [
  'timestamp',
  '@timestamp',
  'time',
  'ts',
  'datetime',
  'date',
  'eventTime',
  'event_time',
  '_time',
  't',
];

function jsonTime(line: string): number | undefined {
  const object = parseObject(line);
  if (!object) return undefined;
  for (const key of TIME_KEYS) {
    const timeMs = Object.hasOwn(object, key) ? valueTime(object[key]) : undefined;
    if (timeMs !== undefined) return timeMs;
  }
  return undefined;
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function valueTime(value: unknown): number | undefined {
  if (typeof value === 'number') return epochTime(value);
  if (typeof value !== 'string') return undefined;
  return /^\d+(\.\d+)?$/.test(value) ? epochTime(Number(value)) : isoTime(value);
}

/** Seconds, milliseconds, microseconds or nanoseconds: whichever gives a time in this age. */
function epochTime(value: number): number | undefined {
  for (const factor of [1000, 1, 1e-3, 1e-6]) {
    const timeMs = plausible(value * factor);
    if (timeMs !== undefined) return timeMs;
  }
  return undefined;
}

// ---- access and error logs ----

/** `[10/Oct/2000:13:55:36 -0700]` */
function accessLogTime(line: string): number | undefined {
  const match = /\[(\d{2})\/([A-Za-z]{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))? ([+-]\d{4})\]/.exec(line);
  if (!match) return undefined;
  const [, day, month, year, hour, minute, second, fraction, zone] = match;
  return utc(Number(year), monthOf(month!), day!, hour!, minute!, second!, fraction, zone);
}

/** `[Sun Dec 04 04:47:44 2005]`, with microseconds since Apache 2.4. */
function errorLogTime(line: string): number | undefined {
  const match = /^\[[A-Za-z]{3} ([A-Za-z]{3}) (\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d+))? (\d{4})\]/.exec(line);
  if (!match) return undefined;
  const [, month, day, hour, minute, second, fraction, year] = match;
  return utc(Number(year), monthOf(month!), day!, hour!, minute!, second!, fraction);
}

/** `2026/11/23 10:00:00 [error] …` */
function nginxErrorTime(line: string): number | undefined {
  const match = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2}):(\d{2}) \[[a-z]+\]/.exec(line);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  return utc(Number(year), Number(month), day!, hour!, minute!, second!);
}

// ---- syslog ----

/** RFC 5424 (`<34>1 2026-11-23T10:00:00Z …`) and RFC 3164 (`Nov 23 10:00:00 …`), with or without priority. */
function syslogTime(line: string, nowMs: number): number | undefined {
  const modern = /^<\d{1,3}>\d{1,2} (\S+)/.exec(line);
  if (modern) return isoTime(modern[1]!);
  const match = /^(?:<\d{1,3}>)?([A-Za-z]{3}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2})\b/.exec(line);
  if (!match) return undefined;
  const [, month, day, hour, minute, second] = match;
  const year = new Date(nowMs).getUTCFullYear();
  const timeMs = utc(year, monthOf(month!), day!, hour!, minute!, second!);
  if (timeMs === undefined) return undefined;
  // The year is not said: it is the last in which this was not in the future.
  return timeMs <= nowMs + DAY_MS ? timeMs : utc(year - 1, monthOf(month!), day!, hour!, minute!, second!);
}

// ---- free text ----

/** The first reader that finds a time goes on reading; a line that it cannot read has none. */
function textReader(nowMs: number): TimeReader {
  const readers: TimeReader[] = [
    (line) => isoTime(line),
    accessLogTime,
    errorLogTime,
    nginxErrorTime,
    shortDateTime,
    compactTime,
    (line) => syslogTime(line, nowMs),
    leadingEpoch,
  ];
  let chosen: TimeReader | undefined;
  return (line) => {
    if (chosen) return chosen(line);
    for (const reader of readers) {
      const timeMs = reader(line);
      if (timeMs === undefined) continue;
      chosen = reader;
      return timeMs;
    }
    return undefined;
  };
}

/** How far into a line its time may begin: after a level, a bracket, a thread. */
const FURTHEST_START = 64;

/** `2026-11-23T10:00:00.123Z`, `2026-11-23 10:00:00,123`, with or without a zone. */
function isoTime(line: string): number | undefined {
  const match =
    /(\d{4})[-/.](\d{2})[-/.](\d{2})[T _-](\d{2})[:.](\d{2})[:.](\d{2})(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d{2}:?\d{2}(?!\d))?/.exec(
      line.slice(0, FURTHEST_START + 40),
    );
  if (!match || match.index > FURTHEST_START) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  return utc(Number(year), Number(month), day!, hour!, minute!, second!, fraction, zone);
}

/** Spark's `17/06/09 20:10:40`. */
function shortDateTime(line: string): number | undefined {
  const match = /^(\d{2})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?/.exec(line);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction] = match;
  return utc(2000 + Number(year), Number(month), day!, hour!, minute!, second!, fraction);
}

/** HDFS's `081109 203615`. */
function compactTime(line: string): number | undefined {
  const match = /^(\d{2})(\d{2})(\d{2}) (\d{2})(\d{2})(\d{2})\b/.exec(line);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  return utc(2000 + Number(year), Number(month), day!, hour!, minute!, second!);
}

function leadingEpoch(line: string): number | undefined {
  const match = /^\W?(\d{10}(?:\.\d+)?|\d{13})\b/.exec(line) ?? /^\S+ (\d{10})\b/.exec(line);
  return match ? epochTime(Number(match[1])) : undefined;
}

function monthOf(name: string): number {
  return MONTHS.indexOf(name.toLowerCase()) + 1;
}

function utc(
  year: number,
  month: number,
  day: string,
  hour: string,
  minute: string,
  second: string,
  fraction = '',
  zone = 'Z',
): number | undefined {
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Number(second)];
  if (month < 1 || month > 12 || d < 1 || d > 31 || h > 23 || m > 59 || s > 60) return undefined;
  const fractionMs = Math.floor(Number(`0.${fraction || '0'}`) * 1000 + 1e-6);
  return plausible(Date.UTC(year, month - 1, d, h, m, s) + fractionMs - zoneMs(zone));
}

function zoneMs(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (!match) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000;
}

function plausible(timeMs: number): number | undefined {
  return timeMs >= EARLIEST_MS && timeMs < LATEST_MS ? Math.floor(timeMs) : undefined;
}
