// The configurable parsers: parseJSON, grok, csv, parseKeyValue.

import type { CSV, Grok, ParseJSON, ParseKeyValue } from '@aws-sdk/client-cloudwatch-logs';
import { compileGrok } from './grok.ts';
import { define, isObject, setAt } from './key-path.ts';
import { checkPath, objectAt, textAt } from './source.ts';
import { TransformConfigError, TransformError } from './transform-error.ts';
import type { CompiledProcessor } from './transformer.ts';

const MOST_PAIRS = 10_000;

export function compileParseJson({ source, destination }: ParseJSON): CompiledProcessor {
  if (source !== undefined) checkPath(source);
  if (destination !== undefined) checkPath(destination);
  return (event) => {
    const text = textAt(event, source);
    if (text === undefined) return;
    const parsed = parseJson(text);
    if (!isObject(parsed)) throw new TransformError('not a JSON object');
    const into = objectAt(event.root, destination);
    for (const [key, value] of Object.entries(parsed)) define(into, key, value);
  };
}

export function compileGrokProcessor({ source, match }: Grok): CompiledProcessor {
  if (source !== undefined) checkPath(source);
  const grok = compileGrok(match!);
  return (event) => {
    const text = textAt(event, source);
    if (text === undefined) return;
    if (!grok(text, event.root)) throw new TransformError('the grok pattern does not match');
  };
}

export function compileCsv({
  source,
  delimiter = ',',
  quoteCharacter = '"',
  columns,
  destination,
}: CSV): CompiledProcessor {
  if (source !== undefined) checkPath(source);
  if (destination !== undefined) checkPath(destination);
  for (const column of columns ?? []) checkPath(column);
  const separator = delimiter === '\\t' ? '\t' : delimiter === '\\s' ? ' ' : delimiter;
  if (separator.length !== 1) throw new TransformConfigError(`Invalid delimiter: '${delimiter}'`);
  return (event) => {
    const text = textAt(event, source);
    if (text === undefined) return;
    const into = objectAt(event.root, destination);
    for (const [i, value] of splitCsv(text, separator, quoteCharacter).entries()) {
      if (columns && columns.length > 0 && i >= columns.length) break;
      setAt(into, columns?.[i] ?? `column_${i + 1}`, value);
    }
  };
}

export function compileParseKeyValue(settings: ParseKeyValue): CompiledProcessor {
  const {
    source,
    destination,
    fieldDelimiter = '&',
    keyValueDelimiter = '=',
    keyPrefix = '',
    nonMatchValue,
  } = settings;
  const { overwriteIfExists = false } = settings;
  if (source !== undefined) checkPath(source);
  if (destination !== undefined) checkPath(destination);
  return (event) => {
    const text = textAt(event, source);
    if (text === undefined) return;
    const into = objectAt(event.root, destination);
    for (const pair of text.split(fieldDelimiter, MOST_PAIRS)) {
      const at = pair.indexOf(keyValueDelimiter);
      const value = at < 0 ? nonMatchValue : pair.slice(at + keyValueDelimiter.length).trim();
      const key = keyPrefix + (at < 0 ? pair : pair.slice(0, at)).trim();
      if (value === undefined || key === '') continue;
      if (overwriteIfExists || !Object.hasOwn(into, key)) define(into, key, value);
    }
  };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TransformError('invalid JSON');
  }
}

/** A doubled quote inside of a quoted column is one. */
function splitCsv(text: string, delimiter: string, quote: string): string[] {
  const columns: string[] = [];
  let at = 0;
  for (;;) {
    let column = '';
    if (text[at] === quote) {
      at++;
      for (; at < text.length; at++) {
        if (text[at] !== quote) column += text[at];
        else if (text[at + 1] === quote) column += text[at++];
        else break;
      }
      at++;
    }
    const end = text.indexOf(delimiter, at);
    columns.push(column + (end < 0 ? text.slice(at) : text.slice(at, end)));
    if (end < 0) return columns;
    at = end + 1;
  }
}
