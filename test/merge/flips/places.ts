/**
 * The bits of a merged file that may be flipped, by the kind of place that they are in. Every byte that a reader can look at belongs
 * to one kind at least. Left out are the gaps between column chunks: gaps.test.ts shows that no reader looks at them.
 */
import { readFile } from 'node:fs/promises';
import { mulberry32 } from '../../../src/emulator/faults.ts';
import { CODEC } from '../../../src/merge/parquet/decompress.ts';
import {
  COLUMN_CHUNK,
  COLUMN_META,
  ENCODING,
  FILE_META,
  KEY_VALUE,
  ROW_GROUP,
  SCHEMA_ELEMENT,
  STATISTICS,
} from '../../../src/merge/parquet/field-ids.ts';
import { parseFooter, type Chunk } from '../../../src/merge/parquet/footer.ts';
import { readPageHeader } from '../../../src/merge/parquet/page-header.ts';
import { codecOf } from '../../../src/merge/parquet/physical-view.ts';
import { sitesOf, type Site } from '../../support/thrift-sites.ts';

interface Span {
  start: number;
  length: number;
}

export interface Flip {
  kind: string;
  position: number;
  bit: number;
}

/** Spans of an output by kind. `rewritten`: names of the columns that come from aligned parts; the first column is the key. */
export async function placesOf(path: string, rewritten: (name: string) => boolean): Promise<Map<string, Span[]>> {
  const bytes = await readFile(path);
  const size = bytes.length;
  const footerStart = size - 8 - bytes.readUInt32LE(size - 8);
  const places = new Map<string, Span[]>();
  const add = (kind: string, ...spans: Span[]): void => {
    const own = spans.filter(({ length }) => length > 0);
    if (own.length > 0) places.set(kind, [...(places.get(kind) ?? []), ...own]);
  };
  add('magic', { start: 0, length: 4 }, { start: size - 4, length: 4 });
  add('length of the footer', { start: size - 8, length: 4 });
  const footer = bytes.subarray(footerStart, size - 8);
  add('footer, anywhere', { start: footerStart, length: footer.length });
  for (const site of sitesOf(footer).filter(({ path: { length }, raw }) => length > 0 && raw.length > 0))
    if (nameOf(site) !== null)
      add(`footer, ${nameOf(site)}`, {
        start: footerStart + site.raw.byteOffset - footer.byteOffset,
        length: site.raw.length,
      });
  const { columns, rowGroups } = parseFooter(footer, size, path);
  for (const [i, { name, firstLeaf, leaves }] of columns.entries())
    for (const { chunks } of rowGroups)
      for (const chunk of chunks.slice(firstLeaf, firstLeaf + leaves)) {
        const where = i === 0 ? 'key' : rewritten(name) ? 'aligned part' : 'copied chunk';
        for (const { header, body, values } of pagesOf(bytes, chunk)) {
          add(`${where}, page headers`, header);
          // What is stored first: levels, where there are any, and the beginning of a compressed stream.
          add(`${where}, begin of pages`, { start: body.start, length: Math.min(16, body.length) });
          add(`${where}, pages`, body);
          if (values !== null) add(`${where}, plain values`, values);
        }
      }
  return places;
}

interface Page {
  header: Span;
  body: Span;
  /** Behind the levels, where neither codec nor encoding leaves a bit to spare. */
  values: Span | null;
}

function pagesOf(bytes: Buffer, chunk: Chunk): Page[] {
  const pages: Page[] = [];
  const values = chunk.values;
  for (let at = chunk.start, found = 0; found < values;) {
    const header = readPageHeader(bytes.subarray(at, chunk.start + chunk.length));
    const body = { start: at + header.length, length: header.storedBytes };
    const isPlain =
      codecOf(chunk) === CODEC.uncompressed && header.kind === 'data' && header.encoding === ENCODING.plain;
    const levels = isPlain ? 4 + bytes.readUInt32LE(body.start) : 0;
    const plain = isPlain ? { start: body.start + levels, length: body.length - levels } : null;
    pages.push({ header: { start: at, length: header.length }, body, values: plain });
    at = body.start + body.length;
    if (header.kind === 'data' || header.kind === 'data v2') found += header.values;
  }
  return pages;
}

const nameIn = (ids: Record<string, number>, id: number | undefined): string | null =>
  Object.entries(ids).find(([, own]) => own === id)?.[0] ?? null;

/** The field of the footer that a value is the value of, in words; null of what only holds others. */
function nameOf({ path, type }: Site): string | null {
  const [top, , inGroup, , inChunk, inMeta, inStatistics] = path;
  const isContainer = type >= 9;
  if (top === FILE_META.rowGroups) {
    if (inGroup !== ROW_GROUP.columns) return isContainer ? null : `row group: ${nameIn(ROW_GROUP, inGroup)}`;
    if (inChunk === COLUMN_CHUNK.metaData) {
      if (inMeta === undefined || (isContainer && inMeta === COLUMN_META.statistics)) return null;
      const own = nameIn(COLUMN_META, inMeta) ?? `field ${inMeta}`;
      return inMeta === COLUMN_META.statistics ? `${own}: ${nameIn(STATISTICS, inStatistics)}` : own;
    }
    return inChunk === undefined || isContainer ? null : `chunk: ${nameIn(COLUMN_CHUNK, inChunk)}`;
  }
  if (top === FILE_META.schema) return path[2] === undefined ? null : `schema: ${nameIn(SCHEMA_ELEMENT, path[2])}`;
  if (top === FILE_META.keyValueMetadata)
    return path[2] === undefined ? null : `metadata: ${nameIn(KEY_VALUE, path[2])}`;
  return isContainer && top !== FILE_META.columnOrders ? null : nameIn(FILE_META, top);
}

/** `count` bits, each kind of place in turn; the same seed gives the same. */
export function drawFlips(places: Map<string, Span[]>, count: number, seed: number): Flip[] {
  const random = mulberry32(seed);
  random();
  const draw = (below: number): number => Math.floor(random() * below);
  const kinds = [...places.keys()].sort();
  return Array.from({ length: count }, (_, i) => {
    const kind = kinds[i % kinds.length]!;
    const spans = places.get(kind)!;
    const { start, length } = spans[draw(spans.length)]!;
    return { kind, position: start + draw(length), bit: draw(8) };
  });
}
