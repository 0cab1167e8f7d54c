// lowerCaseString, upperCaseString, splitString, substituteString, trimString. Keys without a text are passed over.

import type { LowerCaseString, SplitString, SubstituteString, TrimString } from '@aws-sdk/client-cloudwatch-logs';
import { RE2JS } from 're2js';
import { getAt, type JsonObject, setAt } from './key-path.ts';
import { checkPath } from './source.ts';
import { TransformConfigError } from './transform-error.ts';
import type { CompiledProcessor } from './transformer.ts';

const MOST_BACKREFERENCES = 10;
const MOST_EQUAL_BACKREFERENCES = 2;
const MOST_PARTS = 10_000;
/** A replacement may be larger than what it replaces. */
const LONGEST_RESULT = 1_048_576;

export function compileCase({ withKeys }: LowerCaseString, change: (text: string) => string): CompiledProcessor {
  for (const key of withKeys!) checkPath(key);
  return ({ root }) => {
    for (const key of withKeys!) changeText(root, key, change);
  };
}

export function compileTrimString({ withKeys }: TrimString): CompiledProcessor {
  return compileCase({ withKeys }, (text) => text.trim());
}

export function compileSplitString({ entries }: SplitString): CompiledProcessor {
  for (const { source } of entries!) checkPath(source!);
  return ({ root }) => {
    for (const { source, delimiter } of entries!) {
      changeText(root, source!, (text) => text.split(delimiter!, MOST_PARTS));
    }
  };
}

export function compileSubstituteString({ entries }: SubstituteString): CompiledProcessor {
  const compiled = entries!.map(({ source, from, to }) => {
    checkPath(source!);
    checkReplacement(to!);
    const pattern = compileExpression(from!);
    checkGroups(pattern, to!);
    return { source: source!, pattern, to: to! };
  });
  return ({ root }) => {
    for (const { source, pattern, to } of compiled) {
      changeText(root, source, (text) => {
        const replaced = pattern.matcher(text).replaceAll(to, true);
        return replaced.length > LONGEST_RESULT ? text : replaced;
      });
    }
  };
}

/** RE2 runs in time proportional to the text; it has no look-around and no back references. Throws TransformConfigError. */
export function compileExpression(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new TransformConfigError(`Invalid regular expression '${source}': ${(error as Error).message}`);
  }
}

function checkReplacement(to: string): void {
  const references = [...to.matchAll(/\$(?:\{(\w+)\}|(\d+))/g)].map(([reference]) => reference);
  const most = Math.max(0, ...references.map((it) => references.filter((other) => other === it).length));
  if (references.length > MOST_BACKREFERENCES || most > MOST_EQUAL_BACKREFERENCES) {
    throw new TransformConfigError(`Too many backreferences in '${to}'`);
  }
}

/** A replacement with a group that the expression does not have would fail at each event. */
function checkGroups(pattern: RE2JS, to: string): void {
  try {
    const names = Object.keys(pattern.namedGroups());
    for (const [, name, number] of to.matchAll(/\$(?:\{(\w+)\}|(\d+))/g)) {
      if (name !== undefined && !names.includes(name)) throw new Error(`no group '${name}'`);
      if (number !== undefined && Number(number[0]) > pattern.groupCount()) throw new Error(`no group ${number}`);
    }
    if (/\$(?!\{\w+\}|\d)|\\$/.test(to.replace(/\\./gs, ''))) throw new Error("a lone '$' or '\\'");
  } catch (error) {
    throw new TransformConfigError(`Invalid replacement '${to}': ${(error as Error).message}`);
  }
}

function changeText(root: JsonObject, key: string, change: (text: string) => unknown): void {
  const value = getAt(root, key);
  if (typeof value === 'string') setAt(root, key, change(value));
}
