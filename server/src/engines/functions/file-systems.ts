// Directories that outlive environments, and that several of them share: on AWS, access points of EFS file systems.
// As the access point's user does there, one user of the machine owns all that functions write, where Brume can choose it.

import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArn } from '#core/arn.ts';
import { FILE_SYSTEM_USER } from './isolation/user-ids.ts';

/** What a function version asks for. */
export interface FileSystem {
  /** Of the access point: arn:aws:elasticfilesystem:region:account:access-point/fsap-…; names the directory. */
  arn: string;
  /** Where the function sees it: /mnt/… */
  path: string;
}

/** What an environment mounts. */
export interface Mount {
  source: string;
  path: string;
}

/** The functions' file systems cannot be had as things are. */
export class FileSystemError extends Error {}

export class FileSystems {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Where those of an account lie on this machine, made where they are not there yet. Throws FileSystemError for others'. */
  mounts(fileSystems: readonly FileSystem[] | undefined, ownAccount: string): Mount[] {
    return (fileSystems ?? []).map(({ arn, path }) => {
      const { region, account, resource } = parseArn(arn)!;
      if (account !== ownAccount) throw new FileSystemError(`The access point ${arn} belongs to another account.`);
      const parent = join(this.#dir, account, region);
      const source = join(parent, resource.replace('access-point/', ''));
      // Nobody else of the machine gets past the first directory; who gets there, by a mount, may write.
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      if (mkdirSync(source, { recursive: true }) !== undefined) {
        chmodSync(source, 0o777);
        if (process.getuid?.() === 0) chownSync(source, FILE_SYSTEM_USER, FILE_SYSTEM_USER);
      }
      return { source, path };
    });
  }

  reset(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
