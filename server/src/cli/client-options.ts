// How commands speak to a Brume (or to AWS): through the official clients, as any program does.

/** With the credentials and region of the environment; on loopback any do, so without them `test`. */
export function clientOptions(endpoint: string, environment: NodeJS.ProcessEnv) {
  return {
    endpoint,
    region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1',
    disableHostPrefix: true,
    ...(environment.AWS_ACCESS_KEY_ID || environment.AWS_PROFILE
      ? {}
      : { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }),
  };
}
