// Tenant isolation: an environment serves the invocations of one tenant only.
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html

import type { FunctionConfiguration, TenancyConfig } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { checkConstraints } from './constraints.ts';
import type { VersionDocument } from './documents.ts';

const TENANT_ID = /[a-zA-Z0-9._:/=+\-@ ]+/;

export function checkTenancyConfig(config: TenancyConfig | undefined): void {
  checkConstraints([
    { at: 'tenancyConfig.tenantIsolationMode', value: config?.TenantIsolationMode, oneOf: ['PER_TENANT'] },
  ]);
}

export function checkTenantId(tenantId: string | undefined): void {
  checkConstraints([{ at: 'tenantId', value: tenantId, min: 1, max: 256, pattern: TENANT_ID }]);
}

/** Throws where a function of tenants is invoked for none, and the other way round. */
export function checkTenantOf({ tenancy }: VersionDocument, tenantId: string | undefined): void {
  if (tenancy && tenantId === undefined) {
    throw invalid(
      'The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.',
    );
  }
  if (!tenancy && tenantId !== undefined) {
    throw invalid(
      'The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.',
    );
  }
}

/** For what begins environments, or invokes, without a tenant; AWS's own words are not documented. */
export function refuseTenancy({ tenancy }: Pick<VersionDocument, 'tenancy'>, feature: string): void {
  if (tenancy) throw invalid(`${feature} is not supported for functions with tenancy configuration.`);
}

export function showTenancy(tenancy: VersionDocument['tenancy']): Pick<FunctionConfiguration, 'TenancyConfig'> {
  return tenancy ? { TenancyConfig: { TenantIsolationMode: tenancy } } : {};
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
