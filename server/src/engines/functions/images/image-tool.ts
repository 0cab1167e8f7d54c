// Podman or Docker, for what Brume takes of them: finding an image here or in its registry, and its files. Functions do not
// run in their containers but in Brume's own sandboxes, over the image's files: docs/decisions/0010-images-in-the-sandbox.md

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What an image says of how it is run. */
export interface ImageDefaults {
  entryPoint: string[];
  command: string[];
  workingDir: string;
  environment: Record<string, string>;
}

export interface ResolvedImage {
  /** As asked for. */
  uri: string;
  /** The same image, whatever becomes of the tag. */
  resolvedUri: string;
  /** Of its files and configuration: 64 hexadecimal digits. */
  id: string;
  /** As the registry has it, or else the id. */
  digest: string;
  sizeBytes: number;
  defaults: ImageDefaults;
}

/** The image cannot be had. */
export class ImageError extends Error {
  readonly reason: 'noTool' | 'invalid' | 'notFound' | 'tooLarge' | 'broken';

  constructor(reason: ImageError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

const TOOLS = ['podman', 'docker'] as const;
type Tool = (typeof TOOLS)[number];

const INSPECT_TIMEOUT_MS = 15_000;
const PULL_TIMEOUT_MS = 10 * 60_000;
const EXPORT_TIMEOUT_MS = 10 * 60_000;
const LARGEST_OUTPUT_BYTES = 16 * 1024 * 1024;
const LONGEST_URI = 1_000;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LARGEST_IMAGE_BYTES = 10 * 1024 ** 3;
/** A name and path, and then a tag or a digest; never taken for an option. */
const REFERENCE = /^[A-Za-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;

interface Inspected {
  Id: string;
  Digest?: string;
  RepoDigests?: string[];
  Size?: number;
  Config?: { Entrypoint?: string[] | null; Cmd?: string[] | null; WorkingDir?: string; Env?: string[] | null };
}

/** The image, fetched when it is not here. Rejects with ImageError. */
export async function resolveImage(uri: string): Promise<ResolvedImage> {
  if (uri.length > LONGEST_URI || !REFERENCE.test(uri)) {
    throw new ImageError('invalid', `Source image ${uri} is not valid. Provide a valid source image.`);
  }
  const tools = await availableTools();
  for (const tool of tools) {
    const found = await inspect(tool, uri);
    if (found) return describe(uri, found);
  }
  let answer = '';
  for (const tool of tools) {
    try {
      await run(tool, ['pull', '--quiet', uri], PULL_TIMEOUT_MS);
    } catch (error) {
      answer ||= `${tool} says: ${lastLine(error)}`;
      continue;
    }
    const found = await inspect(tool, uri);
    if (found) return describe(uri, found);
  }
  throw new ImageError(
    'notFound',
    `Source image ${uri} does not exist. Provide a valid source image. ${answer}`.trim(),
  );
}

/** Writes the image's files into an empty directory. Rejects with ImageError when it is not on this machine any more. */
export async function exportImage(id: string, directory: string): Promise<void> {
  for (const tool of await availableTools()) {
    if (!(await inspect(tool, id))) continue;
    try {
      return await exportWith(tool, id, directory);
    } catch (error) {
      throw new ImageError('broken', `The files of the image could not be had from ${tool}: ${lastLine(error)}`);
    }
  }
  throw new ImageError(
    'notFound',
    `The image sha256:${id} is not on this machine any more: update the function's code.`,
  );
}

/**
 * Through a pipe of the shell, since Podman cannot write into the sockets that Node.js gives. The files belong to Brume's user,
 * as whom functions run; devices are the sandbox's own.
 */
const UNPACK = `
{ "$1" export "$2" || : > "$3.failed"; } | tar -x -f - -C "$3" --no-same-owner '--exclude=dev/*' && [ ! -e "$3.failed" ]
`;

async function exportWith(tool: Tool, id: string, directory: string): Promise<void> {
  // Never started: what it would run does not matter, but some images name nothing.
  const container = (await run(tool, ['create', '--network=none', id, 'none'], INSPECT_TIMEOUT_MS)).trim();
  try {
    const args = ['-c', UNPACK, 'sh', tool, container, directory];
    await promisify(execFile)('/bin/sh', args, { timeout: EXPORT_TIMEOUT_MS });
  } finally {
    await run(tool, ['rm', '--force', container], INSPECT_TIMEOUT_MS).catch(() => {});
    await rm(`${directory}.failed`, { force: true });
  }
}

async function availableTools(): Promise<Tool[]> {
  const answers = await Promise.all(
    TOOLS.map((tool) =>
      // Of Docker, the client without its daemon is of no use.
      run(tool, ['version', '--format', '{{.Server.Version}}'], INSPECT_TIMEOUT_MS).then(
        () => true,
        () => (tool === 'podman' ? run(tool, ['--version'], INSPECT_TIMEOUT_MS).then(Boolean, () => false) : false),
      ),
    ),
  );
  const tools = TOOLS.filter((_, index) => answers[index]);
  if (tools.length > 0) return tools;
  throw new ImageError(
    'noTool',
    'Functions from container images need Podman or Docker on this machine, which has neither: install podman ' +
      '(apt-get install podman), or start the Docker daemon.',
  );
}

async function inspect(tool: Tool, reference: string): Promise<Inspected | undefined> {
  try {
    const [found] = JSON.parse(await run(tool, ['image', 'inspect', reference], INSPECT_TIMEOUT_MS)) as Inspected[];
    return found;
  } catch {
    return undefined;
  }
}

function describe(uri: string, { Id, Digest, RepoDigests, Size = 0, Config }: Inspected): ResolvedImage {
  if (Size > LARGEST_IMAGE_BYTES) {
    throw new ImageError('tooLarge', 'Uncompressed container image size exceeds 10 GiB limit.');
  }
  const id = withoutAlgorithm(Id);
  const digest = withoutAlgorithm(Digest ?? RepoDigests?.[0]?.replace(/^.*@/, '') ?? Id);
  const repository = uri.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  return {
    uri,
    resolvedUri: `${repository}@sha256:${digest}`,
    id,
    digest,
    sizeBytes: Size,
    defaults: {
      entryPoint: Config?.Entrypoint ?? [],
      command: Config?.Cmd ?? [],
      workingDir: Config?.WorkingDir || '/',
      environment: Object.fromEntries((Config?.Env ?? []).map((line) => splitAt(line, line.indexOf('=')))),
    },
  };
}

/** What a program wrote last before it failed. */
function lastLine(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n').at(-1)!;
}

function withoutAlgorithm(digest: string): string {
  return digest.replace(/^sha256:/, '');
}

function splitAt(line: string, index: number): [string, string] {
  return [line.slice(0, index), line.slice(index + 1)];
}

async function run(tool: Tool, args: string[], timeout: number): Promise<string> {
  const { stdout } = await promisify(execFile)(tool, args, { timeout, maxBuffer: LARGEST_OUTPUT_BYTES });
  return stdout;
}
