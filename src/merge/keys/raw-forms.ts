import { createHash } from 'node:crypto';

/** What one writer's files have in common is remembered: few forms, since each is a column's bytes. */
const MOST_FORMS = 8;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Tells stored columns apart by their bytes: equal ids mean equal bytes and equal descriptions. Bytes like those of a column
 * seen before are compared with it, which is several times as fast as a digest.
 */
export class RawForms {
  #forms: { description: string; bytes: Buffer; id: string }[] = [];
  #held = 0;

  /** `bytes` may be changed afterwards. */
  idOf(description: string, bytes: Buffer): string {
    const known = this.#forms.find((form) => form.description === description && form.bytes.equals(bytes));
    if (known !== undefined) return known.id;
    const id = createHash('sha256').update(description).update(bytes).digest('hex');
    if (this.#forms.length < MOST_FORMS && this.#held + bytes.length <= MOST_BYTES) {
      this.#forms.push({ description, bytes: Buffer.from(bytes), id });
      this.#held += bytes.length;
    }
    return id;
  }
}
