// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html

import type { TestMetricFilterRequest, TestMetricFilterResponse } from '@aws-sdk/client-cloudwatch-logs';
import { compileMatcher, extractFields, LogLine } from '#engines/filter-pattern/filter-pattern.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, FILTER_PATTERN } from '../constraints.ts';
import { parsePattern } from '../pattern.ts';

export function testMetricFilter(): Handler<TestMetricFilterRequest, TestMetricFilterResponse> {
  return (input) => {
    const messages = input.logEventMessages!;
    new Constraints()
      .text('filterPattern', input.filterPattern, FILTER_PATTERN)
      .list('logEventMessages', messages, { min: 1, max: 50 }, { min: 1 })
      .check();
    const pattern = parsePattern(input.filterPattern, 'Invalid metric filter pattern');
    const matches = compileMatcher(pattern);
    return {
      matches: messages.flatMap((eventMessage, i) => {
        const line = new LogLine(eventMessage);
        return matches(line)
          ? [{ eventNumber: i + 1, eventMessage, extractedValues: extractFields(pattern, line) }]
          : [];
      }),
    };
  };
}
