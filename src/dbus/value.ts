/**
 * Values of D-Bus and their encoding (D-Bus specification, section "Type System"), little-endian: what the calls to
 * systemd need.
 */
export type DbusValue =
  | { readonly type: "s" | "o"; readonly value: string }
  | { readonly type: "b"; readonly value: boolean }
  | { readonly type: "u"; readonly value: number }
  | { readonly type: "t"; readonly value: bigint }
  | { readonly type: "ay"; readonly value: readonly number[] }
  | { readonly type: "au"; readonly value: readonly number[] }
  | { readonly type: "a(sv)"; readonly value: readonly (readonly [name: string, value: DbusValue])[] }
  /** Always empty: the auxiliary units of StartTransientUnit. */
  | { readonly type: "a(sa(sv))" };

/** Bytes that grow; every value is aligned to its own size from the first byte on. */
export class Writer {
  private bytes = new Uint8Array(256);
  length = 0;

  private room(count: number): DataView {
    while (this.length + count > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const view = new DataView(this.bytes.buffer, this.length);
    this.length += count;
    return view;
  }

  align(size: number): void {
    this.room((size - (this.length % size)) % size);
  }

  byte(value: number): void {
    this.room(1).setUint8(0, value);
  }

  u32(value: number): void {
    this.align(4);
    this.room(4).setUint32(0, value, true);
  }

  u64(value: bigint): void {
    this.align(8);
    this.room(8).setBigUint64(0, value, true);
  }

  /** ASCII alone: names of units and properties have no other characters. */
  text(value: string): void {
    this.u32(value.length);
    this.characters(value);
  }

  signature(value: string): void {
    this.byte(value.length);
    this.characters(value);
  }

  private characters(value: string): void {
    for (const character of value) this.byte(character.charCodeAt(0) & 0x7f);
    this.byte(0);
  }

  /** The length counts from the first entry on, without the padding before it. */
  array(alignment: number, entries: () => void): void {
    this.u32(0);
    const place = this.length - 4;
    this.align(alignment);
    const start = this.length;
    entries();
    new DataView(this.bytes.buffer).setUint32(place, this.length - start, true);
  }

  value(given: DbusValue): void {
    switch (given.type) {
      case "s":
      case "o":
        this.text(given.value);
        break;
      case "b":
        this.u32(given.value ? 1 : 0);
        break;
      case "u":
        this.u32(given.value);
        break;
      case "t":
        this.u64(given.value);
        break;
      case "ay":
        this.list(given.value, 1, (byte) => this.byte(byte));
        break;
      case "au":
        this.list(given.value, 4, (number) => this.u32(number));
        break;
      case "a(sv)":
        this.list(given.value, 8, ([name, value]) => this.property(name, value));
        break;
      case "a(sa(sv))":
        this.list([], 8, () => {});
        break;
      default:
        given satisfies never;
    }
  }

  private list<T>(entries: readonly T[], alignment: number, write: (entry: T) => void): void {
    this.array(alignment, () => {
      for (const entry of entries) write(entry);
    });
  }

  private property(name: string, value: DbusValue): void {
    this.align(8);
    this.text(name);
    this.variant(value);
  }

  variant(value: DbusValue): void {
    this.signature(value.type);
    this.value(value);
  }

  result(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}
