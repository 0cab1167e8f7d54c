// Functions from container images: what a request may say of one, and what is kept.
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html

import type { CreateFunctionRequest, FunctionConfiguration, ImageConfig } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import {
  type FunctionEngine,
  type ImageCommand,
  ImageError,
  imageCommand,
  MissingInterpreterError,
} from '#engines/functions/function-engine.ts';
import { validationFailed, violation } from './constraints.ts';
import type { CodeReference, ImageDocument, VersionDocument } from './documents.ts';

const MOST_WORDS = 1_500;
const LONGEST_DIRECTORY = 1_000;

type Request = Pick<CreateFunctionRequest, 'Runtime' | 'Handler' | 'Layers' | 'ImageConfig'>;

/** Throws where a request says of an image function what only packages have. */
export function checkImageRequest({ Runtime, Handler, Layers, ImageConfig: config }: Request): void {
  if (Runtime !== undefined || Handler !== undefined || Layers?.length) {
    throw invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.");
  }
  const broken = (['EntryPoint', 'Command'] as const)
    .filter((name) => (config?.[name]?.length ?? 0) > MOST_WORDS)
    .map((name) => {
      const at = `imageConfig.${name === 'EntryPoint' ? 'entryPoint' : 'command'}`;
      return violation(
        at,
        `[${config![name]!.join(', ')}]`,
        `Member must have length less than or equal to ${MOST_WORDS}`,
      );
    });
  const directory = config?.WorkingDirectory;
  if (directory !== undefined && directory.length > LONGEST_DIRECTORY) {
    const constraint = `Member must have length less than or equal to ${LONGEST_DIRECTORY}`;
    broken.push(violation('imageConfig.workingDirectory', directory, constraint));
  }
  if (broken.length > 0) throw validationFailed(broken);
}

/** Throws where a request says of a function from a package what only images have. */
export function checkPackageRequest({ ImageConfig: config }: Request): void {
  if (config !== undefined) {
    throw invalid("Please don't provide ImageConfig when the intended function PackageType is Zip.");
  }
}

/** The image as it is now; its tag may go on to another one. Throws InvalidParameterValueException. */
export async function readImage(
  engine: FunctionEngine,
  uri: string | undefined,
): Promise<{ image: ImageDocument; code: CodeReference }> {
  if (!uri) throw invalid('Please provide ImageUri when the intended function PackageType is Image.');
  try {
    const { resolvedUri, id, digest, defaults } = await engine.image(uri);
    return { image: { uri, resolvedUri, id, defaults }, code: { objectId: '', sizeBytes: 0, sha256: digest } };
  } catch (error) {
    if (!(error instanceof ImageError || error instanceof MissingInterpreterError)) throw error;
    throw new AwsError('InvalidParameterValueException', error.message, { fields: { Type: 'User' }, cause: error });
  }
}

/** The image with a configuration laid over it; without one the configuration before stays. */
export function withImageConfig(image: ImageDocument, config: ImageConfig | undefined): ImageDocument {
  if (!config) return image;
  const { EntryPoint, Command, WorkingDirectory } = config;
  const { overrides: _, ...rest } = image;
  const overrides = {
    ...(EntryPoint?.length ? { entryPoint: EntryPoint } : {}),
    ...(Command?.length ? { command: Command } : {}),
    ...(WorkingDirectory ? { workingDir: WorkingDirectory } : {}),
  };
  return Object.keys(overrides).length > 0 ? { ...rest, overrides } : rest;
}

export function commandOf({ id, defaults, overrides }: ImageDocument): ImageCommand {
  return imageCommand(id, defaults, overrides);
}

/** What a function's configuration shows of its image. */
export function showImage({ image }: VersionDocument): Pick<FunctionConfiguration, 'ImageConfigResponse'> {
  if (!image?.overrides) return {};
  const { entryPoint, command, workingDir } = image.overrides;
  return {
    ImageConfigResponse: {
      ImageConfig: {
        ...(entryPoint ? { EntryPoint: entryPoint } : {}),
        ...(command ? { Command: command } : {}),
        ...(workingDir ? { WorkingDirectory: workingDir } : {}),
      },
    },
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
