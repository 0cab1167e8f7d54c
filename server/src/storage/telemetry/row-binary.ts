// A growing buffer that ClickHouse's RowBinary is written into: integers and floats little-endian, strings as
// their UTF-8 length (varint) and bytes. https://clickhouse.com/docs/interfaces/formats/RowBinary

const INITIAL_CAPACITY = 256 * 1024;
/** A buffer that one burst made larger than this is given back to the collector at reset. */
const KEPT_CAPACITY = 16 * 1024 * 1024;
const TWO_TO_32 = 4_294_967_296;

export class RowBinaryBuffer {
  bytes: Buffer;
  length = 0;
  #view: DataView;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(INITIAL_CAPACITY);
    this.#view = viewOf(this.bytes);
  }

  /** Makes room for `size` more bytes; every write below needs that done. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.#view = viewOf(grown);
  }

  reset(): void {
    this.length = 0;
    if (this.bytes.length <= KEPT_CAPACITY) return;
    this.bytes = Buffer.allocUnsafeSlow(INITIAL_CAPACITY);
    this.#view = viewOf(this.bytes);
  }

  uint8(value: number): void {
    this.bytes[this.length++] = value;
  }

  uint32(value: number): void {
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** A safe integer as Int64 (or UInt64, when it is not negative). */
  int64(value: number): void {
    this.#view.setUint32(this.length, value >>> 0, true);
    this.#view.setInt32(this.length + 4, Math.floor(value / TWO_TO_32), true);
    this.length += 8;
  }

  float64(value: number): void {
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /**
   * One pass over the text: the length is taken to be that of ASCII and mended in the rare other case.
   * Reserves by itself.
   */
  string(text: string): void {
    this.reserve(text.length * 3 + 5);
    const assumed = varintSize(text.length);
    const start = this.length + assumed;
    const written = this.bytes.write(text, start);
    const actual = varintSize(written);
    if (actual !== assumed) this.bytes.copyWithin(this.length + actual, start, start + written);
    this.varint(written);
    this.length += written;
  }

  /** What is RowBinary already. Reserves by itself. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  patchUint32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
