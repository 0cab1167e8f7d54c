// What AWS bills for Lambda in us-east-1, in US dollars, from its price list (https://aws.amazon.com/lambda/pricing/, which builds its
// tables from the offers at https://pricing.us-east-1.amazonaws.com). Initialization is billed as duration since August 2025:
// https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/

/** When the rates below were compared with copies of the price list, the newest of August 2026. */
export const RATES_DATE = '2026-11-23';

export const DOLLARS_PER_MILLION_REQUESTS = 0.2;

/** A month's use in tiers; the last one has no end. */
export const DOLLARS_PER_GB_SECOND: Record<'x86_64' | 'arm64', { upToGbSeconds: number; dollars: number }[]> = {
  x86_64: [
    { upToGbSeconds: 6e9, dollars: 0.0000166667 },
    { upToGbSeconds: 15e9, dollars: 0.000015 },
    { upToGbSeconds: Number.POSITIVE_INFINITY, dollars: 0.0000133334 },
  ],
  arm64: [
    { upToGbSeconds: 7.5e9, dollars: 0.0000133334 },
    { upToGbSeconds: 18.75e9, dollars: 0.0000120001 },
    { upToGbSeconds: Number.POSITIVE_INFINITY, dollars: 0.0000106667 },
  ],
};

/** Of the memory of environments that are kept ready, used or not. */
export const PROVISIONED_DOLLARS_PER_GB_SECOND: Record<'x86_64' | 'arm64', number> = {
  x86_64: 0.0000041667,
  arm64: 0.0000033334,
};

/** /tmp beyond the first 512 MB. */
export const DOLLARS_PER_GB_SECOND_OF_STORAGE = 0.0000000309;
export const FREE_STORAGE_MB = 512;

/** Free each month. */
export const FREE_REQUESTS = 1_000_000;
export const FREE_GB_SECONDS = 400_000;
