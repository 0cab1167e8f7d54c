// Selection criteria in requests: which fields each operation lets them look at.

import {
  parseSelectionCriteria,
  type SelectionCriteria,
  SelectionCriteriaError,
  selectedFields,
} from '#engines/logs/selection-criteria.ts';
import { invalidParameter } from './constraints.ts';

export const SYSTEM_FIELDS = ['@aws.account', '@aws.region'];

/** Of filters: by the account and region that an event comes from. */
export function checkSystemFieldCriteria(text: string | undefined): void {
  if (text) checkCriteria('fieldSelectionCriteria', text, SYSTEM_FIELDS);
}

/** Of subscriptions for an account: all groups but some. */
export function checkExcludedGroups(text: string | undefined): void {
  if (!text) return;
  if (checkCriteria('selectionCriteria', text, ['LogGroupName']).kind !== 'notIn') {
    throw invalidParameter('Invalid selectionCriteria: the only supported form is LogGroupName NOT IN []');
  }
}

/** Throws InvalidParameterException for what cannot be read, and for fields that it may not look at. */
export function checkCriteria(member: string, text: string, fields: readonly string[]): SelectionCriteria {
  try {
    const criteria = parseSelectionCriteria(text);
    const unknown = selectedFields(criteria).find((field) => !fields.includes(field));
    if (unknown !== undefined) throw invalidParameter(`Invalid ${member}: unknown field '${unknown}'`);
    return criteria;
  } catch (error) {
    if (!(error instanceof SelectionCriteriaError)) throw error;
    throw invalidParameter(`Invalid ${member}: ${error.message}`);
  }
}
