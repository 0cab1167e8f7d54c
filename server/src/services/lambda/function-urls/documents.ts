// What Lambda keeps of function URLs: a configuration for a function or an alias, and what each URL's id stands for.

import type { FunctionUrlAuthType, InvokeMode } from '@aws-sdk/client-lambda';
import { defineCollection, type Scope } from '#storage/state/state.ts';

export interface CorsDocument {
  allowCredentials?: boolean;
  allowHeaders?: string[];
  allowMethods?: string[];
  allowOrigins?: string[];
  exposeHeaders?: string[];
  maxAgeS?: number;
}

export interface FunctionUrlDocument {
  urlId: string;
  /** The alias; absent for the function itself. */
  qualifier?: string;
  authType: FunctionUrlAuthType;
  invokeMode: InvokeMode;
  cors?: CorsDocument;
  createdAtMs: number;
  modifiedAtMs: number;
}

/** Keyed by the function's name, or `name:alias`. */
export const FUNCTION_URLS = defineCollection<FunctionUrlDocument>('lambda.function-urls');

/** The owner of each id, over all accounts and regions. What it names may be gone. */
export const URL_OWNERS = defineCollection<{ account: string; region: string; key: string }>('lambda.url-owners');
export const EVERYWHERE: Scope = { account: '', region: '' };
