// Work of log patterns that takes long, as plain data that goes to another thread and comes back: what a query asks of its
// statement's result, and the training and the evaluations of anomaly detectors.

import { answerPatterns, type PatternQuestion, type PatternRow } from '#engines/log-patterns/pattern-question.ts';
import { parseResult } from '#storage/telemetry/query-result.ts';
import {
  type AnomalyFinding,
  DetectorModel,
  type ModelEvent,
  type PatternBaseline,
} from '../anomalies/detector-model.ts';

export interface QueryTask {
  kind: 'query';
  question: PatternQuestion;
  /** A result of Telemetry.queryBytes; its rows may have `all_events`, how many events they stand for. */
  result: Uint8Array;
}

export interface QueryAnswer {
  rows: PatternRow[];
  events: number;
  rowsRead: number;
  bytesRead: number;
}

/** A detector's first sight of its group. */
export interface TrainTask {
  kind: 'train';
  events: PackedEvents[];
  intervalMs: number;
}

/** The events of one interval against what the detector has learned. */
export interface EvaluateTask {
  kind: 'evaluate';
  patterns: PatternBaseline[] | undefined;
  events: PackedEvents[];
}

export interface DetectorAnswer {
  findings: AnomalyFinding[];
  patterns: PatternBaseline[];
}

export type MiningTask = QueryTask | TrainTask | EvaluateTask;

export type MiningAnswer<Task extends MiningTask> = Task extends QueryTask ? QueryAnswer : DetectorAnswer;

/** Many events as three values: what crosses threads is copied, and objects are copied a hundred times slower. */
export interface PackedEvents {
  timestamps: Float64Array;
  lengths: Uint32Array;
  /** All messages, one after the other. */
  text: string;
}

export function packEvents(events: readonly ModelEvent[]): PackedEvents {
  return {
    timestamps: Float64Array.from(events, ({ timestamp }) => timestamp),
    lengths: Uint32Array.from(events, ({ message }) => message.length),
    text: events.map(({ message }) => message).join(''),
  };
}

export function runTask(task: MiningTask): QueryAnswer | DetectorAnswer {
  switch (task.kind) {
    case 'query': {
      const { buffer, byteOffset, byteLength } = task.result;
      const { rows, rowsRead, bytesRead } = parseResult<{ all_events?: number }>(
        Buffer.from(buffer, byteOffset, byteLength),
      );
      const events = Number(rows[0]?.all_events ?? 0);
      return { rows: answerPatterns(task.question, rows), events, rowsRead, bytesRead };
    }
    case 'train': {
      const model = new DetectorModel();
      model.train(unpackEvents(task.events), task.intervalMs);
      return { findings: [], patterns: model.patterns() };
    }
    case 'evaluate': {
      const model = new DetectorModel(task.patterns);
      const findings = model.evaluate([...unpackEvents(task.events)]);
      return { findings, patterns: model.patterns() };
    }
  }
}

function* unpackEvents(pages: readonly PackedEvents[]): Iterable<ModelEvent> {
  for (const { timestamps, lengths, text } of pages) {
    let start = 0;
    for (const [i, length] of lengths.entries()) {
      yield { timestamp: timestamps[i]!, message: text.slice(start, start + length) };
      start += length;
    }
  }
}
