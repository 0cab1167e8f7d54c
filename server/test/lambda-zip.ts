// Zip archives for tests, the malicious ones too: names, modes and sizes go in as they are told.

import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  name: string;
  data?: string | Uint8Array;
  /** Unix type and permissions; a regular file by default. */
  mode?: number;
  /** Instead of the true one. */
  declaredSize?: number;
}

/** A deployment package: file name -> content. */
export function zipOf(files: Record<string, string | Uint8Array>): Buffer {
  return makeZip(Object.entries(files).map(([name, data]) => ({ name, data })));
}

/** A gem `tiny` as Bundler installs it, its SIZE being 7. */
export function gemFiles(dir: string): Record<string, string> {
  return {
    [`${dir}/specifications/tiny-1.0.0.gemspec`]:
      'Gem::Specification.new { |s| s.name = "tiny"; s.version = "1.0.0"; s.summary = "t"; s.authors = ["t"]; s.require_paths = ["lib"] }',
    [`${dir}/gems/tiny-1.0.0/lib/tiny.rb`]: 'module Tiny; SIZE = 7; end',
  };
}

export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data = '', mode = 0o100644, declaredSize } of entries) {
    const content = Buffer.from(data as string);
    const packed = deflateRawSync(content, { level: 9 });
    const nameBytes = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    // Bit 11: names are UTF-8.
    fields.writeUInt16LE(0x0800, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(declaredSize ?? content.length, 18);
    fields.writeUInt16LE(nameBytes.length, 22);
    parts.push(Buffer.from([0x50, 0x4b, 3, 4]), fields, nameBytes, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    // Made by Unix, version 2.0.
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 3]), fields, tail, nameBytes);
    offset += 30 + nameBytes.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
