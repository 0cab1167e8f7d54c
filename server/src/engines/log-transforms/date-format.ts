// Dates after the patterns of Java's DateTimeFormatter, in a language and a time zone.
// https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/time/format/DateTimeFormatter.html

import { TransformConfigError } from './transform-error.ts';

type Part = { kind: 'literal'; text: string } | { kind: 'field'; letter: string; width: number };

const LETTERS = 'yuMLdDEaHkKhmsSnzZXxVO';
const LONGEST_TEXT = 256;

export interface DateFormat {
  parts: readonly Part[];
  locale: string;
}

/** Throws TransformConfigError. */
export function parseDateFormat(pattern: string, locale: string): DateFormat {
  try {
    Intl.getCanonicalLocales(locale.replaceAll('_', '-'));
  } catch {
    throw new TransformConfigError(`Invalid locale: ${locale}`);
  }
  const parts: Part[] = [];
  for (const [token, quoted, letters] of pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)) {
    if (quoted !== undefined) parts.push({ kind: 'literal', text: quoted === '' ? "'" : quoted.replaceAll("''", "'") });
    else if (letters === undefined) parts.push({ kind: 'literal', text: token });
    else if (LETTERS.includes(letters)) parts.push({ kind: 'field', letter: letters, width: token.length });
    else throw new TransformConfigError(`Invalid date format '${pattern}': unknown letter '${letters}'`);
  }
  return { parts, locale: locale.replaceAll('_', '-') };
}

/** Throws TransformConfigError. */
export function checkTimeZone(zone: string): string {
  const name = zone === 'Z' ? 'UTC' : zone.replace(/^(?:UTC|GMT|UT)(?=[+-])/, '');
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    throw new TransformConfigError(`Invalid time zone: ${zone}`);
  }
}

/** Milliseconds since the epoch; undefined when the text is not of this format. */
export function parseDate(text: string, format: DateFormat, zone: string, nowMs: number): number | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const now = new Date(nowMs);
  const found = { year: now.getUTCFullYear(), month: 1, day: 1, hour: 0, minute: 0, second: 0, ms: 0 };
  let afternoon: boolean | undefined;
  let offsetMs: number | undefined;
  let at = 0;
  const take = (expression: RegExp): string | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(text)?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  const takeName = (names: readonly string[]): number => {
    const rest = text.slice(at).toLocaleLowerCase(format.locale);
    let best = -1;
    for (const [i, name] of names.entries()) {
      if (rest.startsWith(name.toLocaleLowerCase(format.locale)) && name.length > (names[best]?.length ?? 0)) best = i;
    }
    if (best >= 0) at += names[best]!.length;
    return best;
  };
  for (const part of format.parts) {
    if (part.kind === 'literal') {
      if (!text.startsWith(part.text, at)) return undefined;
      at += part.text.length;
      continue;
    }
    const { letter, width } = part;
    if ('ML'.includes(letter) && width >= 3) {
      const month = takeName(monthNames(format.locale, width));
      if (month < 0) return undefined;
      found.month = month + 1;
    } else if (letter === 'E') {
      if (takeName(dayNames(format.locale, width)) < 0) return undefined;
    } else if (letter === 'a') {
      const half = take(/[AaPp]\.?[Mm]\.?/y);
      if (half === undefined) return undefined;
      afternoon = /^p/i.test(half);
    } else if ('zVO'.includes(letter)) {
      const name = take(/[A-Za-z]+(?:\/[A-Za-z_]+)*(?:[+-]\d\d?(?::?\d\d)?)?|[+-]\d\d(?::?\d\d)?/y);
      const offset = name === undefined ? undefined : zoneOffset(name, nowMs);
      if (offset === undefined) return undefined;
      offsetMs = offset;
    } else if ('ZXx'.includes(letter)) {
      const offset = take(/Z|[+-]\d\d(?::?\d\d)?/y);
      if (offset === undefined) return undefined;
      offsetMs = fixedOffset(offset);
    } else if (letter === 'S') {
      const digits = take(new RegExp(`\\d{${width}}`, 'y'));
      if (digits === undefined) return undefined;
      found.ms = Math.floor(Number(`0.${digits}`) * 1000);
    } else {
      const fixed = width >= 2 && /\d/.test(text[at] ?? '');
      const digits = take(width === 4 && 'yu'.includes(letter) ? /\d{4}/y : fixed ? /\d{2}/y : /\d{1,4}/y);
      if (digits === undefined) return undefined;
      const value = Number(digits);
      if ('yu'.includes(letter)) found.year = width === 2 ? 2000 + value : value;
      else if ('ML'.includes(letter)) found.month = value;
      else if (letter === 'd') found.day = value;
      else if ('HkKh'.includes(letter)) found.hour = value;
      else if (letter === 'm') found.minute = value;
      else if (letter === 's') found.second = value;
    }
  }
  if (at !== text.length) return undefined;
  if (afternoon !== undefined) found.hour = (found.hour % 12) + (afternoon ? 12 : 0);
  return instantOf(found, offsetMs, zone);
}

export function formatDate(ms: number, format: DateFormat, zone: string): string {
  const offsetMs = offsetAt(ms, zone);
  const local = new Date(ms + offsetMs);
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const fieldOf = (letter: string, width: number): string => {
    switch (letter) {
      case 'y':
      case 'u':
        return width === 2 ? pad(local.getUTCFullYear() % 100, 2) : pad(local.getUTCFullYear(), width);
      case 'M':
      case 'L':
        return width >= 3
          ? monthNames(format.locale, width)[local.getUTCMonth()]!
          : pad(local.getUTCMonth() + 1, width);
      case 'd':
        return pad(local.getUTCDate(), width);
      case 'D':
        return pad(Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0, 1)) / 86_400_000) + 1, width);
      case 'E':
        return dayNames(format.locale, width)[local.getUTCDay()]!;
      case 'a':
        return local.getUTCHours() < 12 ? 'AM' : 'PM';
      case 'H':
        return pad(local.getUTCHours(), width);
      case 'k':
        return pad(local.getUTCHours() || 24, width);
      case 'K':
        return pad(local.getUTCHours() % 12, width);
      case 'h':
        return pad(local.getUTCHours() % 12 || 12, width);
      case 'm':
        return pad(local.getUTCMinutes(), width);
      case 's':
        return pad(local.getUTCSeconds(), width);
      case 'S':
        return pad(local.getUTCMilliseconds(), 3).padEnd(width, '0').slice(0, width);
      case 'n':
        return pad(local.getUTCMilliseconds() * 1_000_000, width);
      case 'V':
        return zone;
      case 'z':
      case 'O':
        return zoneName(ms, format.locale, zone, width >= 4 ? 'long' : 'short');
      default:
        return printOffset(offsetMs, letter, width);
    }
  };
  return format.parts.map((part) => (part.kind === 'literal' ? part.text : fieldOf(part.letter, part.width))).join('');
}

function monthNames(locale: string, width: number): string[] {
  const format = new Intl.DateTimeFormat(locale, { month: width >= 4 ? 'long' : 'short', timeZone: 'UTC' });
  return Array.from({ length: 12 }, (_, month) => format.format(new Date(Date.UTC(2024, month, 1))));
}

/** From Sunday. */
function dayNames(locale: string, width: number): string[] {
  const format = new Intl.DateTimeFormat(locale, { weekday: width >= 4 ? 'long' : 'short', timeZone: 'UTC' });
  return Array.from({ length: 7 }, (_, day) => format.format(new Date(Date.UTC(2024, 0, 7 + day))));
}

function instantOf(
  {
    year,
    month,
    day,
    hour,
    minute,
    second,
    ms,
  }: Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'ms', number>,
  offsetMs: number | undefined,
  zone: string,
): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined;
  const local = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined;
  if (offsetMs !== undefined) return local - offsetMs;
  // The zone's offset at about that time, and once more at the time found with it.
  return local - offsetAt(local - offsetAt(local, zone), zone);
}

function offsetAt(ms: number, zone: string): number {
  if (zone === 'UTC') return 0;
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms);
  const of = (type: string) => Number(parts.find((part) => part.type === type)!.value);
  const local = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return local - Math.floor(ms / 1000) * 1000;
}

function zoneName(ms: number, locale: string, zone: string, style: 'short' | 'long'): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: style }).formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName')!.value;
}

const ABBREVIATIONS: Record<string, string> = {
  PST: '-08',
  PDT: '-07',
  MST: '-07',
  MDT: '-06',
  CST: '-06',
  CDT: '-05',
  EST: '-05',
  EDT: '-04',
  CET: '+01',
  CEST: '+02',
  MEZ: '+01',
  MESZ: '+02',
  BST: '+01',
  JST: '+09',
  IST: '+0530',
};

function zoneOffset(name: string, ms: number): number | undefined {
  const known = ABBREVIATIONS[name] ?? name.replace(/^(UTC|GMT|UT)(?=[+-])/, '');
  if (/^[+-]/.test(known)) return fixedOffset(known);
  try {
    return offsetAt(ms, checkTimeZone(known));
  } catch {
    return undefined;
  }
}

function fixedOffset(text: string): number {
  if (text === 'Z') return 0;
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d?):?(\d\d)?$/.exec(text) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function printOffset(offsetMs: number, letter: string, width: number): string {
  if (letter === 'X' && offsetMs === 0) return 'Z';
  const minutes = Math.abs(offsetMs) / 60_000;
  const [hour, minute] = [Math.floor(minutes / 60), Math.floor(minutes % 60)].map((it) => String(it).padStart(2, '0'));
  const sign = offsetMs < 0 ? '-' : '+';
  if (letter === 'Z') return width >= 4 ? `${sign}${hour}:${minute}` : `${sign}${hour}${minute}`;
  if (width === 1) return minute === '00' ? `${sign}${hour}` : `${sign}${hour}${minute}`;
  return width === 2 ? `${sign}${hour}${minute}` : `${sign}${hour}:${minute}`;
}
