/** Metadata that lies of its file must not spoil that of all the others: it is left out, and that is said. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { encodeFlatbuffer, FlatbufferError, Reader, type Row, type Shape } from '../../src/merge/arrow/flatbuffer.ts';
import { ARROW_TYPE, encodeArrowSchema, FIELD, openArrowSchema } from '../../src/merge/arrow/schema-message.ts';
import type { MergeFigures } from '../../src/payloads.ts';
import type { MergeMessage } from '../../src/merge/job.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import { FILE_META } from '../../src/merge/parquet/field-ids.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { findKeyValue } from '../../src/merge/parquet/key-values.ts';
import { keyValue } from '../../src/merge/parquet/rewrite.ts';
import { readStruct } from '../../src/merge/parquet/thrift.ts';
import { TYPE } from '../../src/merge/parquet/thrift-cursor.ts';
import { encodeStruct, listField, patchStruct } from '../../src/merge/parquet/write-thrift.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { mergeJob, temporaryFolder } from '../support/parquet-by-sql.ts';
import { runPython } from '../support/python-env.ts';

let written: string;

before(async (t) => {
  const folder = await temporaryFolder(t as TestContext);
  await runPython('write_described.py', [folder, 'key']);
  written = join(folder, 'key', 'sources');
});

interface Keys {
  'ARROW:schema': string;
  pandas: string;
}

/** Merges with other metadata in the second file. */
async function mergeWith(
  t: TestContext,
  change: (keys: Keys) => Partial<Keys>,
): Promise<{ notes: string[]; keys: Record<keyof Keys, string | null> }> {
  const folder = await temporaryFolder(t);
  const [sources, output] = [join(folder, 'sources'), join(folder, 'merged.parquet')];
  await cp(written, sources, { recursive: true });
  await changeKeys(join(sources, '1.parquet'), change);
  const messages: MergeMessage[] = [];
  await runSteps(mergeJob(sources, output, { key: 'interval_time' }), (message) => messages.push(message));
  const figures = messages.flatMap((one): MergeFigures[] => (one.event === 'published' ? [one.figures] : []));
  return { notes: figures[0]?.notes ?? [], keys: await keysOf(output) };
}

async function keysOf(path: string): Promise<Record<keyof Keys, string | null>> {
  const { struct } = await readFooter(path, path);
  return { 'ARROW:schema': findKeyValue(struct, 'ARROW:schema'), pandas: findKeyValue(struct, 'pandas') };
}

async function changeKeys(path: string, change: (keys: Keys) => Partial<Keys>): Promise<void> {
  const changed = change((await keysOf(path)) as Keys);
  const bytes = await readFile(path);
  const end = bytes.length - 8;
  const start = end - bytes.readUInt32LE(end);
  const elements = Object.entries(changed).map(([key, value]) => keyValue(key, value));
  const field = listField(FILE_META.keyValueMetadata, { elementType: TYPE.struct, elements });
  const footer = encodeStruct(
    patchStruct(readStruct(bytes.subarray(start, end)), new Map([[FILE_META.keyValueMetadata, field]])),
  );
  const tail = Buffer.from('0000PAR1');
  tail.writeUInt32LE(footer.length);
  await writeFile(path, Buffer.concat([bytes.subarray(0, start), footer, tail]));
}

const fieldsOf = (text: string): Row[] => {
  const { length, field } = openArrowSchema(text, 1e9);
  return Array.from({ length }, (_, i) => field(i));
};
const withField =
  (index: number, slot: number, value: Row[number]) =>
  ({ pandas, ...keys }: Keys): Partial<Keys> => {
    const fields = fieldsOf(keys['ARROW:schema']);
    return { pandas, 'ARROW:schema': encodeArrowSchema(fields.with(index, fields[index]!.with(slot, value)), {}) };
  };
const arrow = (text: string) => (keys: Keys) => ({ ...keys, 'ARROW:schema': text });

const [CATEGORY, TEXT, NUMBER, ZONE] = [0, 3, 5, 7];
const LIES: Record<string, (keys: Keys) => Partial<Keys>> = {
  'is missing': ({ pandas }) => ({ pandas }),
  'is empty': arrow(''),
  'is no base64': arrow('%%%%%%%% no base64 at all %%%%%%%%'),
  'is cut off': ({ pandas, ...keys }) => ({ pandas, 'ARROW:schema': keys['ARROW:schema'].slice(0, 300) }),
  'has other bytes': arrow(Buffer.alloc(2000, 0xa5).toString('base64')),
  'has 30 MB': arrow('A'.repeat(30e6)),
  'has a field less': ({ pandas, ...keys }) => ({
    pandas,
    'ARROW:schema': encodeArrowSchema(fieldsOf(keys['ARROW:schema']).slice(1), {}),
  }),
  'has another name': withField(TEXT, FIELD.name, Buffer.from('other')),
  'has the type of another column': withField(TEXT, FIELD.typeId, ARROW_TYPE.bool),
  'has integers of 7 bits': ({ pandas, ...keys }) => ({
    pandas,
    'ARROW:schema': encodeArrowSchema(
      fieldsOf(keys['ARROW:schema']).with(NUMBER, [Buffer.from('number1'), 1, ARROW_TYPE.int, [7, 1]]),
      {},
    ),
  }),
  'has a zone that there is not': withField(ZONE, FIELD.type, [2, Buffer.from('Europe/Nowhere')]),
  'has a dictionary of odd numbers': withField(CATEGORY, FIELD.dictionary, [0n, [24, 1]]),
  'has a field without a type': withField(TEXT, FIELD.type, undefined),
  'has metadata that is no text': withField(TEXT, FIELD.metadata, [[Buffer.from('key'), Buffer.of(0xff, 0xfe)]]),
  'has megabytes of metadata in a field': withField(TEXT, FIELD.metadata, [
    [Buffer.from('key'), Buffer.alloc(1e6, 65)],
  ]),
};

for (const [what, lie] of Object.entries(LIES))
  test(`an Arrow schema that ${what} is left out of the whole`, async (t) => {
    const { notes, keys } = await mergeWith(t, lie);
    assert.equal(keys['ARROW:schema'], null);
    assert.notEqual(keys.pandas, null);
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /^the output has no Arrow schema of its own .* 1\.parquet /);
  });

type Json = Record<string, unknown> & { columns: Record<string, unknown>[] };
const pandas =
  (change: (metadata: Json) => object) =>
  (keys: Keys): Partial<Keys> => ({ ...keys, pandas: JSON.stringify(change(JSON.parse(keys.pandas) as Json)) });

for (const [what, lie] of Object.entries<(keys: Keys) => Partial<Keys>>({
  'is missing': (keys) => ({ 'ARROW:schema': keys['ARROW:schema'] }),
  'is no JSON': (keys) => ({ ...keys, pandas: '{"columns": [' }),
  'is null': (keys) => ({ ...keys, pandas: 'null' }),
  'has 30 MB': (keys) => ({ ...keys, pandas: `"${'x'.repeat(30e6)}"` }),
  'has another index': pandas((own) => ({ ...own, index_columns: ['text1'] })),
  'has the rows as its index': pandas((own) => ({ ...own, index_columns: [] })),
  'lacks a column': pandas((own) => ({ ...own, columns: own.columns.slice(1) })),
  'names its columns otherwise': pandas((own) => ({ ...own, column_indexes: [] })),
}))
  test(`metadata of pandas that ${what} is left out of the whole`, async (t) => {
    const { notes, keys } = await mergeWith(t, lie);
    assert.equal(keys.pandas, null);
    assert.notEqual(keys['ARROW:schema'], null);
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /^the output has no metadata of pandas .* 1\.parquet /);
  });

test('a column of a type that pandas may not know is left out of its metadata alone', async (t) => {
  const lie = pandas((own) => ({ ...own, columns: own.columns.with(2, { ...own.columns[2], numpy_type: 'no type' }) }));
  const { notes, keys } = await mergeWith(t, lie);
  assert.equal(notes.length, 1);
  assert.doesNotMatch(keys.pandas!, /no type/);
  assert.match(keys.pandas!, /"text1"/);
});

test('metadata that the output has and its sources have not is no match', async (t) => {
  const folder = await temporaryFolder(t);
  const [sources, output] = [join(folder, 'sources'), join(folder, 'merged.parquet')];
  await cp(written, sources, { recursive: true });
  const job = mergeJob(sources, output, { key: 'interval_time' });
  const run = (steps: typeof job.steps) => runSteps({ ...job, steps }, () => undefined);
  const unpublished = join(folder, '.merged.parquet.widemerge', 'output.parquet');
  for (const lie of [
    withField(4, FIELD.typeId, ARROW_TYPE.binary),
    withField(4, FIELD.nullable, 0),
    withField(CATEGORY + 1, FIELD.dictionary, [1n, [8, 1]]),
    pandas((own) => ({ ...own, index_columns: [] })),
    pandas((own) => ({ ...own, columns: own.columns.with(3, { ...own.columns[3], numpy_type: 'int8' }) })),
    pandas((own) => ({ ...own, columns: [...own.columns, { ...own.columns[3], field_name: 'more' }] })),
  ]) {
    await run(['discover', 'merge']);
    await changeKeys(unpublished, lie);
    await assert.rejects(
      run(['verify']),
      (error) => error instanceof MergeFailure && error.facts.type === 'OutputMismatch',
    );
  }
});

test('tables that refer to each other again and again do not unfold', () => {
  const leaf: Shape = ['i32'];
  let shape: Shape = leaf;
  for (let depth = 0; depth < 8; depth++) shape = [{ tables: shape }];
  // One table a level, to which a hundred places of the level above refer.
  const bytes = encodeFlatbuffer([{ tables: leaf }], [Array.from({ length: 100 }, () => [1])]);
  const first = bytes.readUInt32LE(0);
  const vector = first + 4 + bytes.readUInt32LE(first + 4);
  // Each of its hundred tables becomes the table that holds them.
  for (let i = 0; i < 100; i++) bytes.writeUInt32LE((first - (vector + 4 + 4 * i)) >>> 0, vector + 4 + 4 * i);
  assert.throws(() => new Reader(bytes, 1e5).table(first, shape), FlatbufferError);
});
