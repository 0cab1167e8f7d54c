// What a message must have in it for a pattern to match: texts of which every matching message holds one. So whoever has many
// messages as bytes looks for these and makes strings of the few that are left.

import { type Condition, isGroup } from './condition.ts';
import type { DelimitedPattern, FieldTest } from './delimited-pattern.ts';
import type { FilterPattern } from './filter-pattern.ts';
import { neededText } from './json-prefilter.ts';
import type { TextPattern } from './text-pattern.ts';

const BACKSLASH = '\\';

/** Undefined where there are none, so that any message may match. */
export function neededTexts(pattern: FilterPattern): readonly string[] | undefined {
  const texts = textsOf(pattern);
  // What is no Unicode has no bytes to look for.
  return texts?.every((text) => text !== '' && text.isWellFormed()) ? texts : undefined;
}

function textsOf(pattern: FilterPattern): readonly string[] | undefined {
  switch (pattern.kind) {
    case 'all':
      return undefined;
    case 'text':
      return ofText(pattern);
    case 'json': {
      const texts = ofCondition(pattern.condition, neededText);
      // A JSON text without a backslash holds its keys and strings as they are.
      return texts && [...texts, BACKSLASH];
    }
    case 'delimited':
      return ofDelimited(pattern);
  }
}

function ofText({ required, optional }: TextPattern): readonly string[] | undefined {
  const texts = required.map((needle) => (needle.kind === 'term' ? [needle.text] : undefined));
  if (required.length > 0) return rarest(texts);
  const any = optional.map((needle) => (needle.kind === 'term' ? [needle.text] : undefined));
  return any.length > 0 ? union(any) : undefined;
}

function ofDelimited({ slots }: DelimitedPattern): readonly string[] | undefined {
  const conditions = slots.map((slot) => (slot.kind === 'field' ? slot.condition : undefined));
  return rarest(conditions.map((condition) => condition && ofCondition(condition, neededField)));
}

/** A field is a part of the message as it stands. */
function neededField({ operator, operand }: FieldTest): string | undefined {
  return operator === '=' && operand.kind === 'string' && operand.text !== '' ? operand.text : undefined;
}

function ofCondition<Leaf extends { kind: string }>(
  condition: Condition<Leaf>,
  neededBy: (leaf: Leaf) => string | undefined,
): readonly string[] | undefined {
  if (!isGroup(condition)) {
    const text = neededBy(condition);
    return text === undefined ? undefined : [text];
  }
  const terms = condition.terms.map((term) => ofCondition(term, neededBy));
  return condition.kind === 'or' ? union(terms) : rarest(terms);
}

/** Where one of several holds each of them counts. */
function union(all: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const texts = new Set<string>();
  for (const of of all) {
    if (!of) return undefined;
    for (const text of of) texts.add(text);
  }
  return [...texts];
}

/** Where all of several hold any one will do: that which is found least. */
function rarest(all: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const rarityOf = (texts: readonly string[]) => Math.min(...texts.map(rarity));
  let best: readonly string[] | undefined;
  for (const texts of all) if (texts && (!best || rarityOf(texts) > rarityOf(best))) best = texts;
  return best;
}

/** Longer texts are rarer, but a name of a member (it has its quotes) stands in about every message. */
function rarity(text: string): number {
  return text.startsWith('"') ? 0 : text.length;
}
