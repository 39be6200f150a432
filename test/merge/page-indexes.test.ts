/** Page indexes that lie: what cannot be true is left out, what only the pages contradict is refused, what became wrong since is found. */
import assert from 'node:assert/strict';
import { cp, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import type { MergeStep } from '../../src/merge/job.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import { COLUMN_CHUNK, PAGE_LOCATION } from '../../src/merge/parquet/field-ids.ts';
import { readFooter, type Chunk } from '../../src/merge/parquet/footer.ts';
import type { ByteRange } from '../../src/merge/parquet/layout.ts';
import { findField, readInteger, readList, readStruct, ThriftField } from '../../src/merge/parquet/thrift.ts';
import { encodeInteger, encodeList, encodeStruct } from '../../src/merge/parquet/write-thrift.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { verifyPublished } from '../../src/merge/verify/verify-published.ts';
import { flipBit } from '../support/flip-bit.ts';
import { temporaryFolder, mergeJob } from '../support/parquet-by-sql.ts';
import { runPython } from '../support/python-env.ts';
import { replaceAt } from '../support/thrift-sites.ts';

let written: string;

before(async (t) => {
  written = join(await temporaryFolder(t as TestContext), 'sources');
  await runPython('write_indexed.py', [written]);
});

interface Set {
  sources: string;
  output: string;
  run: (steps?: MergeStep[]) => Promise<void>;
}

async function copyOf(t: TestContext): Promise<Set> {
  const folder = await temporaryFolder(t);
  const [sources, output] = [join(folder, 'sources'), join(folder, 'merged.parquet')];
  await cp(written, sources, { recursive: true });
  const job = mergeJob(sources, output, { key: 'interval_time' });
  return { sources, output, run: (steps = job.steps) => runSteps({ ...job, steps }, () => undefined) };
}

const column = async (path: string, name: string, group = 0): Promise<Chunk> => {
  const { columns, rowGroups } = await readFooter(path, path);
  return rowGroups[group]!.chunks[columns.find((one) => one.name === name)!.firstLeaf]!;
};

async function overwrite(path: string, range: ByteRange, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { buffer } = await handle.read(Buffer.alloc(range.length), 0, range.length, range.start);
    const changed = change(buffer);
    assert.equal(changed.length, range.length);
    assert.notDeepEqual(changed, buffer);
    await handle.write(changed, 0, changed.length, range.start);
  } finally {
    await handle.close();
  }
}

/** The offset index with a number of one page changed by as much as keeps its length. */
const withPage =
  (page: number, id: number, by: number) =>
  (bytes: Buffer): Uint8Array => {
    const list = readList(findField(readStruct(bytes), 1)!.raw);
    const own = findField(readStruct(list.elements[page]!), id)!;
    const element = replaceAt(list.elements[page]!, [id], encodeInteger(readInteger(own.raw) + by));
    return replaceAt(bytes, [1], encodeList({ ...list, elements: list.elements.with(page, element) }));
  };

/** The file with other numbers in a ColumnChunk of its footer. */
async function relocate(path: string, chunk: Chunk, fields: Map<number, bigint>): Promise<void> {
  const bytes = await readFile(path);
  const length = bytes.readUInt32LE(bytes.length - 8);
  const footer = bytes.subarray(bytes.length - 8 - length, bytes.length - 8);
  const at = footer.indexOf(chunk.raw);
  const changed = encodeStruct(
    readStruct(chunk.raw).map((field) =>
      fields.has(field.id) ? new ThriftField(field.id, field.type, encodeInteger(fields.get(field.id)!)) : field,
    ),
  );
  const tail = Buffer.alloc(8, 'PAR1PAR1');
  const whole = Buffer.concat([footer.subarray(0, at), changed, footer.subarray(at + chunk.raw.length)]);
  tail.writeUInt32LE(whole.length);
  const handle = await open(path, 'w');
  await handle.writeFile(Buffer.concat([bytes.subarray(0, bytes.length - 8 - length), whole, tail]));
  await handle.close();
}

const isMismatch = (error: unknown): boolean => error instanceof MergeFailure && error.facts.type === 'OutputMismatch';

const HUGE = [2n ** 63n - 1n, -(2n ** 63n), 0n, -1n, 2n ** 40n, 2n ** 53n];

for (const [what, fields] of [
  ...HUGE.map((start) => [`at ${start}`, new Map([[COLUMN_CHUNK.offsetIndexOffset, start]])] as const),
  ...[0n, -1n, 1n, 2n ** 31n - 1n].map(
    (length) => [`of ${length} bytes`, new Map([[COLUMN_CHUNK.offsetIndexLength, length]])] as const,
  ),
])
  test(`an offset index ${what} is left out`, async (t) => {
    const { sources, output, run } = await copyOf(t);
    const path = join(sources, '0.parquet');
    await relocate(path, await column(path, 'i0'), new Map<number, bigint>(fields));
    await run();
    assert.equal((await column(output, 'i0')).indexes, null);
    assert.notEqual((await column(output, 'i0', 1)).indexes?.column, null);
    assert.notEqual((await column(output, 'f0')).indexes?.column, null);
  });

test('pages out of their chunk, out of order or of other rows, and other pages in the column index, are left out', async (t) => {
  const { sources, output, run } = await copyOf(t);
  const path = join(sources, '0.parquet');
  const offsetIndex = async (name: string): Promise<ByteRange> => (await column(path, name)).indexes!.offset;
  await overwrite(path, await offsetIndex('i0'), withPage(1, PAGE_LOCATION.offset, -1));
  await overwrite(path, await offsetIndex('f0'), withPage(1, PAGE_LOCATION.firstRowIndex, 1900));
  await overwrite(path, await offsetIndex('s0'), withPage(0, PAGE_LOCATION.firstRowIndex, 1));
  await overwrite(path, (await column(path, 'd0')).indexes!.column!, (bytes) =>
    // One null page less is said to be there.
    Buffer.concat([bytes.subarray(0, 1), Uint8Array.of(bytes[1]! - 16), bytes.subarray(2)]),
  );
  await run();
  for (const name of ['i0', 'f0', 's0']) assert.equal((await column(output, name)).indexes, null, name);
  assert.equal((await column(output, 'd0')).indexes!.column, null);
});

for (const [name, id] of [
  ['i0', PAGE_LOCATION.firstRowIndex],
  ['interval_time', PAGE_LOCATION.firstRowIndex],
  ['l0', PAGE_LOCATION.compressedPageSize],
] as const)
  test(`an offset index of ${name} that only the pages contradict is refused`, async (t) => {
    const { sources, run } = await copyOf(t);
    const path = join(sources, '0.parquet');
    await overwrite(path, (await column(path, name)).indexes!.offset, withPage(1, id, -1));
    await assert.rejects(run(), (error) => {
      assert.ok(error instanceof MergeFailure, String(error));
      assert.equal(error.facts.type, 'CheckpointInvalid');
      assert.match(error.message, new RegExp(`^0.parquet: .*${name}.* offset index of other pages`));
      return true;
    });
  });

test('each flipped bit of an index is found before the output is published, and after', async (t) => {
  const { sources, output, run } = await copyOf(t);
  await run(['discover', 'merge']);
  const workspace = join(sources, '..', '.merged.parquet.widemerge');
  const unpublished = join(workspace, 'output.parquet');
  // Gone with each verification that fails.
  const draftPath = join(workspace, 'draft.json');
  const draft = await readFile(draftPath);
  const { rowGroups } = await readFooter(unpublished, 'output');
  const ranges = rowGroups
    .flatMap(({ chunks }) => chunks.flatMap(({ indexes }) => [indexes!.column!, indexes!.offset]))
    .filter((_, i) => i % 9 === 0);
  const places = ranges.flatMap(({ start, length }) => [start, start + length - 1, start + (length >> 1)]);
  for (const [i, place] of places.entries()) {
    await flipBit(unpublished, place, i % 8);
    await assert.rejects(run(['verify']), isMismatch, `byte ${place}, bit ${i % 8}`);
    await flipBit(unpublished, place, i % 8);
    await writeFile(draftPath, draft);
  }
  await run(['verify', 'publish']);
  const verify = () =>
    verifyPublished({
      job: mergeJob(sources, output, { key: 'interval_time', steps: ['recheck'] }),
      emit: () => undefined,
      signal: undefined,
    });
  await verify();
  for (const [i, place] of places.entries()) {
    await flipBit(output, place, i % 8);
    await assert.rejects(verify(), isMismatch, `byte ${place}, bit ${i % 8}`);
    await flipBit(output, place, i % 8);
  }
});
