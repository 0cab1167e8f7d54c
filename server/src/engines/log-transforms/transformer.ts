// A log transformer: processors that work on an event one after another. compileTransformer checks and prepares the
// configuration once; transform() turns a message into the JSON text of its transformed version.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Processors.html

import type { Processor } from '@aws-sdk/client-cloudwatch-logs';
import { compileDateTimeConverter, compileTypeConverter } from './converters.ts';
import {
  compileAddKeys,
  compileCopyValue,
  compileDeleteKeys,
  compileListToMap,
  compileMoveKeys,
  compileRenameKeys,
} from './json-mutators.ts';
import type { JsonObject } from './key-path.ts';
import { compileCsv, compileGrokProcessor, compileParseJson, compileParseKeyValue } from './parsers.ts';
import { compileCase, compileSplitString, compileSubstituteString, compileTrimString } from './string-mutators.ts';
import { TransformConfigError, TransformError } from './transform-error.ts';
import { parseCloudfront, parsePostgres, parseRoute53, parseVpc, parseWaf } from './vended-logs.ts';

/** What copyValue may copy into an event, beside what the processors need of the time. */
export interface EventOrigin {
  logGroupName: string;
  logStreamName: string;
  accountId: string;
  regionName: string;
  nowMs: number;
}

/** What a processor works on. */
export interface TransformedEvent {
  /** Changed in place. */
  root: JsonObject;
  message: string;
  origin: EventOrigin;
}

export type CompiledProcessor = (event: TransformedEvent) => void;

export interface Transformer {
  /** The transformed event as JSON; undefined when a processor cannot work on this message. */
  transform(message: string, origin: EventOrigin): string | undefined;
}

const PARSERS = new Set([
  'parseJSON',
  'grok',
  'csv',
  'parseKeyValue',
  'parseWAF',
  'parsePostgres',
  'parseCloudfront',
  'parseRoute53',
  'parseVPC',
]);
const VENDED = new Set(['parseWAF', 'parsePostgres', 'parseCloudfront', 'parseRoute53', 'parseVPC']);
/** AWS takes as many of these in a transformer. */
const MOST_PARSERS = 5;
const MOST_OF_A_KIND: Readonly<Record<string, number>> = { addKeys: 1, copyValue: 1, grok: 5 };

/** Throws TransformConfigError. Lengths of lists and texts are the caller's to check. */
export function compileTransformer(config: readonly Processor[]): Transformer {
  const kinds = config.map(kindOf);
  if (!PARSERS.has(kinds[0] ?? '')) {
    throw new TransformConfigError('The first processor of a transformer must be a parser-type processor.');
  }
  for (const [i, kind] of kinds.entries()) {
    if (VENDED.has(kind) && i > 0) throw new TransformConfigError(`${kind} must be the first processor.`);
  }
  if (kinds.filter((kind) => PARSERS.has(kind)).length > MOST_PARSERS) {
    throw new TransformConfigError(`A transformer can have at most ${MOST_PARSERS} parser-type processors.`);
  }
  for (const [kind, most] of Object.entries(MOST_OF_A_KIND)) {
    if (kinds.filter((it) => it === kind).length > most) {
      throw new TransformConfigError(
        `A transformer can have at most ${most} ${kind} processor${most === 1 ? '' : 's'}.`,
      );
    }
  }
  const processors = config.map(compileProcessor);
  return {
    transform(message, origin) {
      const event: TransformedEvent = { root: {}, message, origin };
      try {
        for (const process of processors) process(event);
      } catch (error) {
        if (error instanceof TransformError) return undefined;
        throw error;
      }
      return JSON.stringify(event.root);
    },
  };
}

function kindOf(processor: Processor): string {
  const kinds = Object.entries(processor).filter(([, value]) => value !== undefined);
  if (kinds.length !== 1)
    throw new TransformConfigError('Each processor of a transformer must be exactly one processor.');
  return kinds[0]![0];
}

function compileProcessor(processor: Processor): CompiledProcessor {
  if (processor.parseJSON) return compileParseJson(processor.parseJSON);
  if (processor.grok) return compileGrokProcessor(processor.grok);
  if (processor.csv) return compileCsv(processor.csv);
  if (processor.parseKeyValue) return compileParseKeyValue(processor.parseKeyValue);
  if (processor.addKeys) return compileAddKeys(processor.addKeys);
  if (processor.copyValue) return compileCopyValue(processor.copyValue);
  if (processor.deleteKeys) return compileDeleteKeys(processor.deleteKeys);
  if (processor.listToMap) return compileListToMap(processor.listToMap);
  if (processor.moveKeys) return compileMoveKeys(processor.moveKeys);
  if (processor.renameKeys) return compileRenameKeys(processor.renameKeys);
  if (processor.lowerCaseString) return compileCase(processor.lowerCaseString, (text) => text.toLowerCase());
  if (processor.upperCaseString) return compileCase(processor.upperCaseString, (text) => text.toUpperCase());
  if (processor.splitString) return compileSplitString(processor.splitString);
  if (processor.substituteString) return compileSubstituteString(processor.substituteString);
  if (processor.trimString) return compileTrimString(processor.trimString);
  if (processor.typeConverter) return compileTypeConverter(processor.typeConverter);
  if (processor.dateTimeConverter) return compileDateTimeConverter(processor.dateTimeConverter);
  const vended = [
    [processor.parseCloudfront, parseCloudfront],
    [processor.parsePostgres, parsePostgres],
    [processor.parseRoute53, parseRoute53],
    [processor.parseVPC, parseVpc],
    [processor.parseWAF, parseWaf],
  ] as const;
  for (const [settings, process] of vended) {
    if (!settings) continue;
    if (settings.source !== undefined && settings.source !== '@message') {
      throw new TransformConfigError('Only @message can be the source of a built-in processor.');
    }
    return process;
  }
  throw new TransformConfigError(`Unsupported processor: ${kindOf(processor)}`);
}
