// What a transformer's configuration must keep to: lengths and values as the API's model has them, and the rest from the
// engine that compiles it.

import type { Processor } from '@aws-sdk/client-cloudwatch-logs';
import { notImplemented } from '#core/errors.ts';
import { TransformConfigError } from '#engines/log-transforms/transform-error.ts';
import { compileTransformer, type Transformer } from '#engines/log-transforms/transformer.ts';
import { Constraints, invalidParameter, type TextConstraint } from './constraints.ts';

const TEXT: TextConstraint = { min: 1, max: 128 };
const TEXTS: Readonly<Record<string, TextConstraint>> = {
  value: { min: 1, max: 256 },
  quoteCharacter: { min: 1, max: 1 },
  targetFormat: { min: 1, max: 64 },
  sourceTimezone: { min: 1 },
  targetTimezone: { min: 1 },
  locale: { min: 1 },
  match: { min: 1, max: 512 },
  flattenedElement: { values: ['first', 'last'] },
  type: { values: ['boolean', 'integer', 'double', 'string'] },
};
const MOST_PROCESSORS = 20;
/** Entries of a list in a processor of this kind; five in all others. */
const MOST_ENTRIES: Readonly<Record<string, number>> = {
  csv: 100,
  lowerCaseString: 10,
  upperCaseString: 10,
  trimString: 10,
  splitString: 10,
  substituteString: 10,
};

/** Throws InvalidParameterException, and NotImplemented for parseToOCSF. */
export function requireTransformer(operation: string, config: readonly Processor[]): Transformer {
  const constraints = new Constraints().list(
    'transformerConfig',
    config.map((processor) => Object.keys(processor).join()),
    { min: 1, max: MOST_PROCESSORS },
  );
  for (const [i, processor] of config.entries()) {
    for (const [kind, settings] of Object.entries(processor)) {
      checkSettings(constraints, `transformerConfig.${i + 1}.member.${kind}`, kind, settings);
    }
  }
  constraints.check();
  if (config.some(({ parseToOCSF }) => parseToOCSF)) throw notImplemented(operation, 'parseToOCSF');
  try {
    return compileTransformer(config);
  } catch (error) {
    if (error instanceof TransformConfigError) throw invalidParameter(error.message);
    throw error;
  }
}

function checkSettings(constraints: Constraints, path: string, kind: string, settings: object): void {
  for (const [member, value] of Object.entries(settings)) {
    const at = `${path}.${member}`;
    if (typeof value === 'string') constraints.text(at, value, textConstraint(kind, member));
    else if (Array.isArray(value)) {
      const range = { ...(member !== 'columns' && { min: 1 }), max: MOST_ENTRIES[kind] ?? 5 };
      const texts = value.filter((item) => typeof item === 'string');
      if (texts.length === value.length) constraints.list(at, texts, range, kind === 'csv' ? TEXT : { min: 1 });
      else {
        constraints.list(at, Array(value.length).fill('…'), range);
        for (const [i, item] of value.entries()) checkSettings(constraints, `${at}.${i + 1}.member`, kind, item);
      }
    }
  }
}

function textConstraint(kind: string, member: string): TextConstraint {
  return kind === 'csv' && member === 'delimiter' ? { min: 1, max: 2 } : (TEXTS[member] ?? TEXT);
}
