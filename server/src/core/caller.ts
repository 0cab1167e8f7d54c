// Who calls, and how services call one another inside the process.

/** The scope and identity of a call; every piece of state is keyed by its account and region. */
export interface Caller {
  account: string;
  region: string;
  accessKeyId: string;
  /** `arn:aws:iam::…:root`, a user, an assumed role; a service principal for Brume's own calls. */
  principalArn: string;
  requestId: string;
  /** Set when a service calls on behalf of a resource (`lambda.amazonaws.com`, its ARN). */
  sourceService?: string;
  sourceArn?: string;
  /** The X-Ray header of what led to a call in process: handlers find it among the headers, as that of an HTTP request. */
  traceHeader?: string;
}

export type ServiceName = 's3' | 'sqs' | 'sns' | 'cloudwatch' | 'logs' | 'lambda' | 'sts' | 'iam';

/**
 * Calls another service's operation in process: the same validation as over HTTP, no encoding.
 * Input and Output are the SDK's own types. Throws AwsError as the operation does. `signal` ends what waits (long polls).
 */
export type OperationCall = <Input extends object, Output extends object>(
  service: ServiceName,
  operation: string,
  input: Input,
  caller: Caller,
  signal?: AbortSignal,
) => Promise<Output>;

/** The caller that Brume itself is, acting for one of its services. */
export function serviceCaller(
  service: string,
  scope: { account: string; region: string; sourceArn?: string | undefined; traceHeader?: string | undefined },
  requestId: string,
): Caller {
  return {
    account: scope.account,
    region: scope.region,
    accessKeyId: scope.account,
    principalArn: `arn:aws:iam::${scope.account}:root`,
    requestId,
    sourceService: service,
    ...(scope.sourceArn === undefined ? {} : { sourceArn: scope.sourceArn }),
    ...(scope.traceHeader === undefined ? {} : { traceHeader: scope.traceHeader }),
  };
}
