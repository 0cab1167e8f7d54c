// Data protection: finds sensitive data in messages and puts asterisks in its place. A policy is parsed and checked here;
// what it looks for is a list of identifiers, managed (managed-identifiers.ts) and its own.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch-logs-data-protection-policies.html

import { RE2JS } from 're2js';
import { type DataIdentifier, MANAGED_IDENTIFIERS } from './managed-identifiers.ts';

/** A policy that CloudWatch Logs refuses. */
export class DataProtectionPolicyError extends Error {}

/** A policy that asks for what is not built; `what` names it. */
export class UnsupportedProtectionError extends Error {}

export interface Finding {
  identifier: string;
  /** Character offsets; the end is exclusive. */
  start: number;
  end: number;
}

export interface DataProtection {
  name: string | undefined;
  /** Group that audit findings go to. */
  findingsGroup: string | undefined;
  /** For ClickHouse: expressions and, where they are needed, an expression of their keywords. */
  expressions: readonly { expression: string; keywords?: string }[];
  find(message: string): Finding[];
  /** As many asterisks as the data has characters. */
  mask(message: string): string;
}

interface Compiled extends DataIdentifier {
  name: string;
  pattern: RE2JS;
  keywordPattern?: RE2JS;
}

const IDENTIFIER_ARN = /^arn:aws[a-z-]*:dataprotection::aws:data-identifier\/([\w-]+)$/;
const LONGEST_POLICY = 30_720;
const MOST_CUSTOM = 10;
const LONGEST_CUSTOM = 200;
const KEYWORD_DISTANCE = 30;
/** No expression describes names and addresses. */
const FOUND_BY_LEARNING: ReadonlySet<string> = new Set(['Address', 'Name']);
/** Letters of a keyword that must stand alone. */
const LONGEST_ABBREVIATION = 3;
const MOST_FINDINGS = 10_000;

/** Throws DataProtectionPolicyError, UnsupportedProtectionError. */
export function parseDataProtectionPolicy(text: string): DataProtection {
  if (text.length > LONGEST_POLICY) fail(`it is longer than ${LONGEST_POLICY} characters`);
  const policy = parseJson(text);
  if (!isObject(policy)) return fail('expected an object');
  const { Name, Statement } = policy;
  if (Name !== undefined && typeof Name !== 'string') fail('Name must be a string');
  if (!Array.isArray(Statement)) return fail('expected a list of statements');
  const operations = Statement.map(readStatement);
  const audits = operations.filter(({ kind }) => kind === 'Audit');
  const masks = operations.filter(({ kind }) => kind === 'Deidentify');
  if (audits.length !== 1 || masks.length !== 1) {
    fail('expected one statement with an Audit operation and one with a Deidentify operation');
  }
  const names = masks[0]!.identifiers;
  if (JSON.stringify(names) !== JSON.stringify(audits[0]!.identifiers)) {
    fail('the DataIdentifier lists of the statements must be the same');
  }
  const custom = readCustom(policy.Configuration);
  const compiled = [...new Set(names)].map((name) => compile(name, custom));
  return {
    name: Name,
    findingsGroup: audits[0]!.findingsGroup,
    expressions: compiled.map(({ expression, keywords }) => ({
      expression,
      ...(keywords && { keywords: keywordExpression(keywords) }),
    })),
    find: (message) => findAll(compiled, message),
    mask: (message) => mask(message, findAll(compiled, message)),
  };
}

export function mask(message: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return message;
  let masked = '';
  let copied = 0;
  for (const { start, end } of [...findings].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (end <= copied) continue;
    const from = Math.max(start, copied);
    masked += message.slice(copied, from) + '*'.repeat(end - from);
    copied = end;
  }
  return masked + message.slice(copied);
}

function findAll(identifiers: readonly Compiled[], message: string): Finding[] {
  const findings: Finding[] = [];
  for (const { name, pattern, keywordPattern, accepts, needs } of identifiers) {
    if (needs !== undefined && !message.includes(needs)) continue;
    if (keywordPattern && !keywordPattern.matcher(message).find()) continue;
    const matcher = pattern.matcher(message);
    while (findings.length < MOST_FINDINGS && matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (start === end) continue;
      if (accepts && !accepts(message.slice(start, end))) continue;
      if (keywordPattern) {
        const around = message.slice(Math.max(0, start - KEYWORD_DISTANCE), end + KEYWORD_DISTANCE);
        if (!keywordPattern.matcher(around).find()) continue;
      }
      findings.push({ identifier: name, start, end });
    }
  }
  return findings;
}

function readStatement(statement: unknown) {
  if (!isObject(statement)) return fail('a statement is not an object');
  const { DataIdentifier: list, Operation } = statement;
  if (!Array.isArray(list) || list.length === 0) return fail('a statement needs a DataIdentifier list');
  const identifiers = list.map((item) => {
    if (typeof item !== 'string') return fail('a DataIdentifier is not a string');
    return item.startsWith('arn:') ? item : `custom:${item}`;
  });
  if (!isObject(Operation)) return fail('a statement needs an Operation');
  const { Audit, Deidentify } = Operation;
  if (isObject(Audit) && Deidentify === undefined) {
    if (!isObject(Audit.FindingsDestination)) return fail('Audit needs a FindingsDestination');
    const { CloudWatchLogs, S3, Firehose } = Audit.FindingsDestination;
    if (S3 !== undefined || Firehose !== undefined) {
      throw new UnsupportedProtectionError(`FindingsDestination ${S3 === undefined ? 'Firehose' : 'S3'}`);
    }
    const findingsGroup = isObject(CloudWatchLogs) ? CloudWatchLogs.LogGroup : undefined;
    if (CloudWatchLogs !== undefined && typeof findingsGroup !== 'string') fail('CloudWatchLogs needs a LogGroup');
    return { kind: 'Audit' as const, identifiers, findingsGroup: findingsGroup as string | undefined };
  }
  if (isObject(Deidentify) && Audit === undefined) {
    if (!isObject(Deidentify.MaskConfig) || Object.keys(Deidentify.MaskConfig).length > 0) {
      return fail('Deidentify needs an empty MaskConfig');
    }
    return { kind: 'Deidentify' as const, identifiers, findingsGroup: undefined };
  }
  return fail('an Operation must be Audit or Deidentify');
}

function readCustom(configuration: unknown): Map<string, string> {
  const custom = new Map<string, string>();
  if (configuration === undefined) return custom;
  const list = isObject(configuration) ? (configuration.CustomDataIdentifier ?? []) : undefined;
  if (!Array.isArray(list)) return fail('CustomDataIdentifier must be a list');
  if (list.length > MOST_CUSTOM) fail(`at most ${MOST_CUSTOM} custom data identifiers are allowed`);
  for (const item of list) {
    if (!isObject(item)) return fail('a custom data identifier is not an object');
    const { Name, Regex } = item;
    if (typeof Name !== 'string' || !/^[\w-]{1,128}$/.test(Name)) return fail('a custom data identifier needs a Name');
    if (typeof Regex !== 'string' || Regex === '' || Regex.length > LONGEST_CUSTOM) {
      return fail(`the custom data identifier ${Name} needs a Regex of at most ${LONGEST_CUSTOM} characters`);
    }
    if (custom.has(Name)) fail(`the custom data identifier ${Name} is there twice`);
    custom.set(Name, Regex);
  }
  return custom;
}

function compile(name: string, custom: ReadonlyMap<string, string>): Compiled {
  if (name.startsWith('custom:')) {
    const own = name.slice('custom:'.length);
    const expression = custom.get(own);
    if (expression === undefined) return fail(`the data identifier ${own} is not defined`);
    return { name: own, expression, pattern: compileExpression(own, expression) };
  }
  const managed = IDENTIFIER_ARN.exec(name)?.[1];
  if (managed === undefined) return fail(`invalid data identifier: ${name}`);
  const known = MANAGED_IDENTIFIERS.get(managed);
  if (FOUND_BY_LEARNING.has(managed)) throw new UnsupportedProtectionError(`data identifier ${managed}`);
  if (!known) return fail(`unknown data identifier: ${name}`);
  const pattern = RE2JS.compile(known.expression);
  if (!known.keywords) return { name: managed, ...known, pattern };
  return { name: managed, ...known, pattern, keywordPattern: RE2JS.compile(keywordExpression(known.keywords)) };
}

function keywordExpression(keywords: readonly string[]): string {
  const expressions = keywords.map((keyword) => {
    const expression = RE2JS.quote(keyword).replaceAll(' ', '[ _-]?');
    // So few letters are a part of many words.
    return keyword.length <= LONGEST_ABBREVIATION ? `(?:^|[^a-z])${expression}(?:[^a-z]|$)` : expression;
  });
  return `(?i)(?:${expressions.join('|')})`;
}

function compileExpression(name: string, expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    return fail(`the regular expression of ${name} is invalid: ${(error as Error).message}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(`it is not JSON (${(error as Error).message})`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(reason: string): never {
  throw new DataProtectionPolicyError(reason);
}
