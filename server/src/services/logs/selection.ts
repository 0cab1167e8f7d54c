// Selection criteria in requests: which fields each operation lets them look at.

import { parseSelectionCriteria, SelectionCriteriaError, selectedFields } from '#engines/logs/selection-criteria.ts';
import { invalidParameter } from './constraints.ts';

export const SYSTEM_FIELDS = ['@aws.account', '@aws.region'];

/** Of filters: by the account and region that an event comes from. */
export function checkSystemFieldCriteria(text: string | undefined): void {
  if (text) check('fieldSelectionCriteria', text, SYSTEM_FIELDS);
}

/** Of account policies: by the group's name. */
export function checkGroupCriteria(text: string | undefined): void {
  if (text) check('selectionCriteria', text, ['LogGroupName']);
}

function check(member: string, text: string, fields: readonly string[]): void {
  try {
    const unknown = selectedFields(parseSelectionCriteria(text)).find((field) => !fields.includes(field));
    if (unknown !== undefined) throw invalidParameter(`Invalid ${member}: unknown field '${unknown}'`);
  } catch (error) {
    if (!(error instanceof SelectionCriteriaError)) throw error;
    throw invalidParameter(`Invalid ${member}: ${error.message}`);
  }
}
