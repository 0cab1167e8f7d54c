// Selection criteria in requests: which fields each operation lets them look at.

import { AwsError } from '#core/errors.ts';
import {
  parseSelectionCriteria,
  type SelectionCriteria,
  SelectionCriteriaError,
  selectedFields,
} from '#engines/logs/selection-criteria.ts';
import { SYSTEM_FIELDS } from '#engines/logs/system-fields.ts';
import { invalidParameter } from './constraints.ts';

const SELECTABLE_FIELDS = ['@aws.account', '@aws.region'];

/** Of filters: by the account and region that an event comes from. */
export function checkSystemFieldCriteria(text: string | undefined): void {
  try {
    if (text) checkCriteria('fieldSelectionCriteria', text, SELECTABLE_FIELDS);
  } catch (error) {
    if (error instanceof AwsError) throw invalidParameter('The provided field selection criteria is invalid');
    throw error;
  }
}

/** Those that a filter asks for. */
export function checkSystemFields(names: readonly string[] | undefined): void {
  if ((names ?? []).every((name) => (SYSTEM_FIELDS as readonly string[]).includes(name))) return;
  throw invalidParameter(
    `The provided system fields are invalid. The supported system fields are - [${SYSTEM_FIELDS.join(', ')}]`,
  );
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
