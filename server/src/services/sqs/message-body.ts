// Which text a message may hold: XML 1.0's characters.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html

import { AwsError } from '#core/errors.ts';
import { missingParameter } from './errors.ts';

export const ALLOWED_CHARACTERS = '#x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]';

/** Throws MissingParameter for an empty body, InvalidMessageContents for a character outside of the set. */
export function checkBody(body: string | undefined): asserts body is string {
  if (!body) throw missingParameter('MessageBody');
  const forbidden = findForbiddenCharacter(body);
  if (!forbidden) return;
  throw new AwsError(
    'InvalidMessageContents',
    `Invalid binary character '${forbidden}' was found in the message body, the set of allowed characters is ${ALLOWED_CHARACTERS}.`,
  );
}

/** The first character outside of the set, as AWS writes it (`#xFFFF`). */
export function findForbiddenCharacter(text: string): string | undefined {
  // With the u flag a lone surrogate is a code point of its own, and matches.
  const match = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.exec(text);
  return match ? `#x${match[0].codePointAt(0)!.toString(16).toUpperCase()}` : undefined;
}
