import { styleText } from 'node:util';

/** Colours on a terminal that shows them (NO_COLOR and the like are heeded), plain text elsewhere. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
