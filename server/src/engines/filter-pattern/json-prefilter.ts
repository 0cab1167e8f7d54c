// What a message must have in its text for a JSON pattern to hold: most events fail on that and are never parsed.
// A JSON text without a backslash holds its keys and strings as they are; one with a backslash is parsed in any case.

import { type Condition, isGroup } from './condition.ts';
import type { JsonTest } from './json-pattern.ts';
import { mayBeNumber } from './operand.ts';

/** False only when the pattern cannot hold for the message; undefined when there is nothing to look for. */
export function compilePrefilter(condition: Condition<JsonTest>): ((message: string) => boolean) | undefined {
  const mayHold = mayHoldUnescaped(condition);
  return mayHold && ((message) => mayHold(message) || message.includes('\\'));
}

function mayHoldUnescaped(condition: Condition<JsonTest>): ((message: string) => boolean) | undefined {
  if (!isGroup(condition)) {
    const needle = neededText(condition);
    return needle === undefined ? undefined : (message) => message.includes(needle);
  }
  const terms = condition.terms.map(mayHoldUnescaped);
  const known = terms.filter((term) => term !== undefined);
  if (condition.kind === 'or') {
    return known.length < terms.length ? undefined : (message) => known.some((mayHold) => mayHold(message));
  }
  return known.length === 0 ? undefined : (message) => known.every((mayHold) => mayHold(message));
}

/** In the text of a JSON message without backslashes. The value where it is rarer than its key, which is nearly always. */
export function neededText(test: JsonTest): string | undefined {
  if (test.kind === 'notExists') return undefined;
  const key = test.selector.steps.findLast((step) => 'property' in step);
  return neededValue(test) ?? (key && JSON.stringify(key.property));
}

/** A string that a JSON message without backslashes has in it as it is written. */
export function neededValue(test: JsonTest): string | undefined {
  if (test.kind !== 'comparison' || test.operator !== '=' || test.operand.kind !== 'string') return undefined;
  const { text } = test.operand;
  return text !== '' && !mayBeNumber(text) ? text : undefined;
}
