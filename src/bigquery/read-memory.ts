/**
 * Memory of a slice, taken once and used again for the next: left to the garbage collector, the last slice would still be
 * there while the next one is read.
 */
const BLOCK_BYTES = 1024 * 1024;

type Numbers<T extends ArrayBufferView> = new (buffer: ArrayBuffer, offset: number, length: number) => T;

interface MemoryMark {
  used: number;
  block: number;
  usedOfBlock: number;
}

const EMPTY: MemoryMark = { used: 0, block: -1, usedOfBlock: 0 };

export class SliceMemory {
  private readonly whole: ArrayBuffer;
  private used = 0;
  /** Of values of variable length; a value lies in one block. */
  readonly blocks: Uint8Array[] = [];
  private block = -1;
  private usedOfBlock = 0;

  /** `bytes`: of all fixed-width arrays together. */
  constructor(bytes: number) {
    this.whole = new ArrayBuffer(bytes);
  }

  /** What is handed out so far, to come back to by `release`. */
  mark(): MemoryMark {
    return { used: this.used, block: this.block, usedOfBlock: this.usedOfBlock };
  }

  /** What was handed out since is free again; all, where no mark is given. */
  release({ used, block, usedOfBlock }: MemoryMark = EMPTY): void {
    this.used = used;
    this.block = block;
    this.usedOfBlock = usedOfBlock;
    for (let i = this.blocks.length - 1; i > block; i--)
      if (this.blocks[i]!.length > BLOCK_BYTES) this.blocks.splice(i, 1);
  }

  /** Numbers that are not zeroed; `bytesEach` is their width. */
  numbers<T extends ArrayBufferView>(type: Numbers<T>, bytesEach: number, length: number): T {
    const bytes = Math.ceil((length * bytesEach) / 8) * 8;
    if (this.used + bytes > this.whole.byteLength) return new type(new ArrayBuffer(bytes), 0, length);
    const array = new type(this.whole, this.used, length);
    this.used += bytes;
    return array;
  }

  /** Copies bytes of variable length; returns the number of their block and where they lie in it. */
  add(bytes: Uint8Array): { block: number; offset: number } {
    if (this.block < 0 || this.usedOfBlock + bytes.length > this.blocks[this.block]!.length)
      this.openBlock(bytes.length);
    const offset = this.usedOfBlock;
    this.blocks[this.block]!.set(bytes, offset);
    this.usedOfBlock += bytes.length;
    return { block: this.block, offset };
  }

  private openBlock(bytes: number): void {
    this.block++;
    this.usedOfBlock = 0;
    // A value larger than a block gets one of its own, between the others.
    if (bytes > BLOCK_BYTES) this.blocks.splice(this.block, 0, new Uint8Array(bytes));
    else if (this.block === this.blocks.length) this.blocks.push(new Uint8Array(BLOCK_BYTES));
  }
}
