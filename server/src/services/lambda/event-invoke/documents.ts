// What clients set for asynchronous invocations, keyed `name:qualifier` ($LATEST where none was named).

import { defineCollection } from '#storage/state/state.ts';
import { LATEST } from '../function-name.ts';

export interface EventInvokeDocument {
  qualifier: string;
  lastModifiedMs: number;
  maximumRetries?: number;
  maximumAgeS?: number;
  onSuccessArn?: string;
  onFailureArn?: string;
}

export const EVENT_INVOKE_CONFIGS = defineCollection<EventInvokeDocument>('lambda.event-invoke-configs');

export function eventInvokeKey({ name, qualifier = LATEST }: { name: string; qualifier?: string }): string {
  return `${name}:${qualifier}`;
}
