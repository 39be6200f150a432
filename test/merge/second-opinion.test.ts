import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FILE_META, SCHEMA_ELEMENT } from '../../src/merge/parquet/field-ids.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { rootElement } from '../../src/merge/parquet/rewrite.ts';
import { TYPE, type ThriftField } from '../../src/merge/parquet/thrift.ts';
import { encodeStruct, i32Field, i64Field, listField, textField } from '../../src/merge/parquet/write-thrift.ts';
import { readSecondOpinion, requireSameOpinion, type FooterOpinion } from '../../src/merge/second-opinion.ts';
import { DiskReader } from '../../src/merge/system/disk-reader.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

async function opinionOf(path: string): Promise<FooterOpinion | null> {
  await using disk = await DiskReader.open(path);
  const { size } = await disk.handle.stat();
  return await readSecondOpinion({ output: disk.lend(), size });
}

const opinionOfBytes = async (t: TestContext, footer: Uint8Array): Promise<FooterOpinion | null> => {
  const path = join(await temporaryFolder(t), 'x.parquet');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  await writeFile(path, Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]));
  return opinionOf(path);
};

const footerOf = (elements: Uint8Array[], ...more: ThriftField[]): Uint8Array =>
  encodeStruct([
    listField(FILE_META.schema, { elementType: TYPE.struct, elements }),
    i64Field(FILE_META.numRows, 0),
    listField(FILE_META.rowGroups, { elementType: TYPE.struct, elements: [] }),
    ...more,
  ]);

test('the other parser reads the same; each thing that it reads otherwise is a mismatch', async (t) => {
  const path = join(await temporaryFolder(t), 'x.parquet');
  await writeParquet({ [path]: `SELECT i AS k, i::DOUBLE AS "a ü", {'b': i, 'c': 'x'} AS s FROM range(1000) t(i)` });
  const footer = await readFooter(path, 'x');
  const opinion = (await opinionOf(path))!;
  assert.deepEqual(opinion.names, ['k', 'a ü', 's']);
  requireSameOpinion(opinion, footer);
  const moved = Float64Array.from(opinion.chunks[0]!, (value, i) => (i === 2 ? value + 1 : value));
  for (const other of [
    null,
    { ...opinion, rows: 999 },
    { ...opinion, names: ['k', 'a', 's'] },
    { ...opinion, chunks: [] },
    { ...opinion, chunks: [moved] },
    { ...opinion, chunks: [opinion.chunks[0]!.subarray(2)] },
  ])
    assert.throws(() => requireSameOpinion(other, footer), /two parsers/);
});

test('a schema with fewer elements than it claims, and bytes that are none, are read by nobody, and at once', async (t) => {
  const claims = (children: number): Uint8Array =>
    encodeStruct([textField(SCHEMA_ELEMENT.name, 'a'), i32Field(SCHEMA_ELEMENT.numChildren, children)]);
  for (const footer of [
    footerOf([rootElement(2 ** 31 - 1)]),
    footerOf([rootElement(1), claims(2 ** 31 - 1)]),
    footerOf([rootElement(2), claims(1), claims(2 ** 31 - 1)]),
    Buffer.from('no footer at all'),
    Buffer.alloc(0),
  ])
    assert.equal(await opinionOfBytes(t, footer), null);
  assert.deepEqual((await opinionOfBytes(t, footerOf([rootElement(-1)])))?.names, []);
  const short = join(await temporaryFolder(t), 'short');
  for (const bytes of ['', 'PAR1', `${'\xff'.repeat(4)}PAR1`]) {
    await writeFile(short, bytes, 'latin1');
    assert.equal(await opinionOf(short), null);
  }
});
