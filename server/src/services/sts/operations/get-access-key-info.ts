import type { GetAccessKeyInfoRequest, GetAccessKeyInfoResponse } from '@aws-sdk/client-sts';
import { accountOfAccessKeyId } from '#core/access-key-id.ts';
import { DEFAULT_ACCOUNT } from '#core/config.ts';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import type { StsDependencies } from '../dependencies.ts';

/**
 * The account that the operator gave the key, else the one its id carries (all ids that Brume or AWS makes do).
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
 */
export function getAccessKeyInfo({
  config,
}: StsDependencies): Handler<GetAccessKeyInfoRequest, GetAccessKeyInfoResponse> {
  return async (input) => {
    const id = input.AccessKeyId!;
    checkText('accessKeyId', id, { min: 16, max: 128, pattern: '[\\w]*' });
    return { Account: config.accessKeys.get(id)?.account ?? accountOfAccessKeyId(id) ?? DEFAULT_ACCOUNT };
  };
}
