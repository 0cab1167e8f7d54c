// typeConverter and dateTimeConverter. Values that cannot be converted stay as they are.

import type { DateTimeConverter, TypeConverter } from '@aws-sdk/client-cloudwatch-logs';
import { checkTimeZone, formatDate, parseDate, parseDateFormat } from './date-format.ts';
import { getAt, setAt } from './key-path.ts';
import { checkPath } from './source.ts';
import type { CompiledProcessor } from './transformer.ts';

const DEFAULT_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";

export function compileTypeConverter({ entries }: TypeConverter): CompiledProcessor {
  for (const { key } of entries!) checkPath(key!);
  return ({ root }) => {
    for (const { key, type } of entries!) {
      const value = getAt(root, key!);
      const converted = value === undefined ? undefined : convert(value, type!);
      if (converted !== undefined) setAt(root, key!, converted);
    }
  };
}

export function compileDateTimeConverter(settings: DateTimeConverter): CompiledProcessor {
  const { source, target, matchPatterns, targetFormat = DEFAULT_FORMAT, locale = 'en' } = settings;
  checkPath(source!);
  checkPath(target!);
  const formats = matchPatterns!.map((pattern) => parseDateFormat(pattern, locale));
  const output = parseDateFormat(targetFormat, locale);
  const from = checkTimeZone(settings.sourceTimezone ?? 'UTC');
  const to = checkTimeZone(settings.targetTimezone ?? 'UTC');
  return ({ root, origin }) => {
    const value = getAt(root, source!);
    if (typeof value !== 'string') return;
    for (const format of formats) {
      const ms = parseDate(value, format, from, origin.nowMs);
      if (ms === undefined) continue;
      setAt(root, target!, formatDate(ms, output, to));
      return;
    }
  };
}

function convert(value: unknown, type: string): unknown {
  if (typeof value === 'object') return undefined;
  const text = String(value).trim();
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : String(value);
    case 'boolean':
      return /^(true|false)$/i.test(text) ? /^true$/i.test(text) : undefined;
    case 'integer': {
      const number = Math.trunc(Number(text));
      return text !== '' && Number.isSafeInteger(number) ? number : undefined;
    }
    default: {
      const number = Number(text);
      return text !== '' && Number.isFinite(number) ? number : undefined;
    }
  }
}
