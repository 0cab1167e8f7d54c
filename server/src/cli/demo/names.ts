// What a run of the demo calls its resources.

/** All names of one run, distinct so that the demo can run again on the same data. */
export interface PipelineNames {
  inputBucket: string;
  outputBucket: string;
  role: string;
  transform: string;
  retry: string;
  topic: string;
  queue: string;
  errorAlarm: string;
  sizeAlarm: string;
}

export function pipelineNames(id: string): PipelineNames {
  return {
    inputBucket: `incoming-${id}`,
    outputBucket: `processed-${id}`,
    role: `orders-role-${id}`,
    transform: `transform-orders-${id}`,
    retry: `retry-orders-${id}`,
    topic: `orders-alarms-${id}`,
    queue: `orders-on-call-${id}`,
    errorAlarm: `order-errors-${id}`,
    sizeAlarm: `bucket-size-${id}`,
  };
}

/** One metric a run, so that runs on the same data do not raise each other's alarms. */
export function metricName(names: PipelineNames): string {
  return `Errors-${names.transform.split('-').at(-1)}`;
}
