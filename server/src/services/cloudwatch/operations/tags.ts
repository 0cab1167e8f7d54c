// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_UntagResource.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListTagsForResource.html

import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  TagResourceInput,
  UntagResourceInput,
} from '@aws-sdk/client-cloudwatch';
import { AwsError } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { type AlarmReference, parseAlarmArn } from '../alarm-arn.ts';
import { invalidValue } from '../errors.ts';
import { checkTagCount, toTags } from '../tags.ts';

type Dependencies = Pick<ServiceDependencies, 'alarms'>;

export function tagResource({ alarms }: Dependencies): Handler<TagResourceInput, object> {
  return async ({ ResourceARN, Tags }, context) => {
    const { scope, name } = alarmOf(ResourceARN!, context);
    const added = toTags(Tags);
    const found = await alarms.changeTags(scope, name, (tags) => {
      const all = { ...tags, ...added };
      checkTagCount(all);
      return all;
    });
    if (!found) throw notFound(ResourceARN!);
    return {};
  };
}

export function untagResource({ alarms }: Dependencies): Handler<UntagResourceInput, object> {
  return async ({ ResourceARN, TagKeys }, context) => {
    const { scope, name } = alarmOf(ResourceARN!, context);
    const removed = new Set(TagKeys);
    const found = await alarms.changeTags(scope, name, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(key))),
    );
    if (!found) throw notFound(ResourceARN!);
    return {};
  };
}

export function listTagsForResource({
  alarms,
}: Dependencies): Handler<ListTagsForResourceInput, ListTagsForResourceOutput> {
  return async ({ ResourceARN }, context) => {
    const { scope, name } = alarmOf(ResourceARN!, context);
    const alarm = await alarms.get(scope, name);
    if (!alarm) throw notFound(ResourceARN!);
    return { Tags: Object.entries(alarm.tags).map(([Key, Value]) => ({ Key, Value })) };
  };
}

function alarmOf(arn: string, { account, region }: RequestContext): AlarmReference {
  if (!arn.startsWith('arn:')) throw invalidValue(arn, 'ResourceARN');
  const alarm = parseAlarmArn(arn);
  if (!alarm || alarm.scope.account !== account || alarm.scope.region !== region) throw notFound(arn);
  return alarm;
}

function notFound(arn: string): AwsError {
  const fields = { ResourceType: 'AWS::CloudWatch::Alarm', ResourceId: arn };
  return new AwsError('ResourceNotFoundException', 'Unknown', { fields });
}
