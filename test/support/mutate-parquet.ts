/**
 * Breaks a valid Parquet file in one of the ways in which files break, or are broken on purpose. Pure: the same bytes and the
 * same seed give the same file.
 */
import { mulberry32 } from '../../src/emulator/faults.ts';
import { COLUMN_CHUNK, COLUMN_META, FILE_META, ROW_GROUP, SCHEMA_ELEMENT } from '../../src/merge/parquet/field-ids.ts';
import { parseFooter, type Chunk } from '../../src/merge/parquet/footer.ts';
import { readInteger, readList, readStruct } from '../../src/merge/parquet/thrift.ts';
import { TYPE } from '../../src/merge/parquet/thrift-cursor.ts';
import {
  encodeInteger,
  encodeList,
  encodeStruct,
  encodeText,
  i32Field,
  textField,
} from '../../src/merge/parquet/write-thrift.ts';
import { integerAt, isInteger, placeOf, replaceAt, sitesOf, type Site } from './thrift-sites.ts';

export interface Mutation {
  bytes: Buffer;
  kind: string;
  description: string;
}

interface Source {
  bytes: Buffer;
  data: Buffer;
  footer: Buffer;
  /** Of another valid file. */
  other: Buffer;
  chunks: Chunk[];
  draw: (below: number) => number;
  pick: <T>(values: readonly T[]) => T;
}
type Way = (source: Source) => { bytes: Buffer; description: string };

const HUGE = [
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -1,
  -(2 ** 31),
  0,
  1,
];
const LENGTHS = [2 ** 31 - 1, 2 ** 32 - 1, 2 ** 35 - 1, 1_000_000, 0, 127];

/** Breaks `bytes`; `other` is another valid file, whose parts get mixed up with those of the first. */
export function mutateParquet(bytes: Buffer, other: Buffer, seed: number): Mutation {
  const random = mulberry32(seed);
  // The first number of neighbouring seeds is not far apart.
  random();
  const draw = (below: number): number => Math.floor(random() * below);
  const [data, footer] = split(bytes);
  const chunks = parseFooter(footer, bytes.length, 'base').rowGroups.flatMap((group) => group.chunks);
  const source = {
    bytes,
    data,
    footer,
    other,
    chunks,
    draw,
    pick: <T>(values: readonly T[]): T => values[draw(values.length)]!,
  };
  const kind = source.pick(KINDS);
  return { kind, ...WAYS[kind]!(source) };
}

/** The same file, if it has a footer that can be read, without anything said of its values. */
export function withoutStatistics(bytes: Buffer): Buffer {
  const [data, footer] = split(bytes);
  let changed: Uint8Array = footer;
  for (const { path, raw } of sitesOf(footer))
    if (path.length === 5 && path[0] === FILE_META.rowGroups && path[4] === COLUMN_CHUNK.metaData)
      changed = replaceAt(changed, path, encodeStruct(plain(raw, COLUMN_META.statistics)));
  return join(data, changed);
}

const WAYS: Record<string, Way> = {
  'flip anywhere': ({ bytes, draw }) => flip(bytes, 0, bytes.length, draw),
  'flip in the footer': ({ bytes, data, footer, draw }) => flip(bytes, data.length, footer.length + 8, draw),
  'flip in a page header': ({ bytes, chunks, draw, pick }) => {
    const { start, length } = pick(chunks);
    return flip(bytes, start, Math.min(length, 40), draw);
  },
  'flip in the data': ({ bytes, data, draw }) => flip(bytes, 4, data.length - 4, draw),
  'overwritten bytes': ({ bytes, draw, pick }) => {
    const copy = Buffer.from(bytes);
    const at = draw(bytes.length);
    const length = 1 + draw(64);
    const byte = pick([0, 0xff, 0x80, null]);
    for (let i = at; i < Math.min(at + length, copy.length); i++) copy[i] = byte ?? draw(256);
    return { bytes: copy, description: `${length} bytes at ${at} become ${byte ?? 'anything'}` };
  },
  truncated: ({ bytes, draw }) => {
    const length = draw(bytes.length);
    return { bytes: bytes.subarray(0, length), description: `cut to ${length} bytes` };
  },
  'truncated before its footer': ({ data, footer, draw }) => {
    const length = 4 + draw(data.length - 4);
    return {
      bytes: join(data.subarray(0, length), footer),
      description: `${data.length - length} bytes of data are missing`,
    };
  },
  'a hole or a repetition': ({ data, footer, draw }) => {
    const [at, length] = [4 + draw(data.length - 4), 1 + draw(100)];
    const again = draw(2) === 0;
    const rest = data.subarray(again ? at : Math.min(at + length, data.length));
    const head = data.subarray(0, again ? Math.min(at + length, data.length) : at);
    return {
      bytes: join(Buffer.concat([head, rest]), footer),
      description: `${length} bytes at ${at} ${again ? 'twice' : 'left out'}`,
    };
  },
  'the footer of another file': ({ data, other }) => ({
    bytes: join(data, split(other)[1]),
    description: 'on this data',
  }),
  'the data of another file': ({ footer, other }) => ({
    bytes: join(split(other)[0], footer),
    description: 'under this footer',
  }),
  'a length of the footer': ({ bytes, footer, pick }) => {
    const copy = Buffer.from(bytes);
    const length = pick([
      0,
      1,
      footer.length - 1,
      footer.length + 1,
      bytes.length - 12,
      bytes.length,
      2 ** 31,
      2 ** 32 - 1,
    ]);
    copy.writeUInt32LE(length, copy.length - 8);
    return { bytes: copy, description: `claims ${length}` };
  },
  'a lying number': ({ data, footer, draw, pick }) => {
    const site = pickSite(sitesOf(footer).filter(isInteger), pick);
    const [value, changed] = lie(site, footer, draw, pick);
    return { bytes: join(data, changed), description: `${site.path.join('.')}: ${integerAt(site)} becomes ${value}` };
  },
  'several lying numbers': ({ data, footer, draw, pick }) => {
    let changed: Uint8Array = footer;
    const told: string[] = [];
    for (let i = 2 + draw(3); i > 0; i--) {
      const site = pickSite(sitesOf(changed).filter(isInteger), pick);
      const [value, next] = lie(site, changed, draw, pick);
      changed = next;
      told.push(`${site.path.join('.')}: ${value}`);
    }
    return { bytes: join(data, changed), description: told.join(', ') };
  },
  'rows that agree with each other only': ({ data, footer, draw, pick }) => {
    const rows = pick([0, 1, 2, 1e6, 2 ** 31 - 1, 2 ** 31, 2 ** 40, null]);
    let changed: Uint8Array = footer;
    let sum = 0n;
    const groups = readList(readStruct(footer).find(({ id }) => id === FILE_META.rowGroups)!.raw).elements.length;
    const liar = draw(groups);
    for (const site of sitesOf(footer)) {
      const [, group, field, , meta, number] = site.path;
      if (site.path[0] !== FILE_META.rowGroups || !isInteger(site)) continue;
      const own = integerAt(site);
      const wanted = group === liar ? BigInt(rows ?? own + 1n) : own;
      if (site.path.length === 3 && field === ROW_GROUP.numRows) sum += wanted;
      else if (!(meta === COLUMN_CHUNK.metaData && number === COLUMN_META.numValues && site.path.length === 6))
        continue;
      changed = replaceAt(changed, site.path, encodeInteger(wanted));
    }
    changed = replaceAt(changed, [FILE_META.numRows], encodeInteger(sum));
    return { bytes: join(data, changed), description: `${rows ?? 'one more'} in row group ${liar}` };
  },
  'a huge length in the footer': ({ data, footer, pick }) => {
    const lengthy = sitesOf(footer).filter(
      ({ type, path }) => (type === TYPE.binary || type === TYPE.list) && path.length > 0,
    );
    const site = pickSite(lengthy, pick);
    const length = pick(LENGTHS);
    const head = site.type === TYPE.list ? [0xf0 | (site.raw[0]! & 15)] : [];
    const body = site.raw.subarray(1);
    const value = Buffer.concat([Uint8Array.from([...head, ...varint(length)]), body]);
    return { bytes: join(data, replaceAt(footer, site.path, value)), description: `${site.path.join('.')}: ${length}` };
  },
  'a schema that loops or does not add up': ({ data, footer, draw, pick }) => {
    const schema = readList(readStruct(footer).find(({ id }) => id === FILE_META.schema)!.raw);
    const at = draw(schema.elements.length);
    const children = (count: number): Uint8Array =>
      encodeStruct([textField(SCHEMA_ELEMENT.name, 'loop'), i32Field(SCHEMA_ELEMENT.numChildren, count)]);
    const count = pick([-1, 0, 1, 2, 3, schema.elements.length, 1000, 2 ** 31 - 1]);
    const way = draw(5);
    const own = schema.elements[at]!;
    const elements =
      way === 0
        ? schema.elements.with(
            at,
            encodeStruct([...plain(own, SCHEMA_ELEMENT.numChildren), i32Field(SCHEMA_ELEMENT.numChildren, count)]),
          )
        : way === 1
          ? schema.elements.toSpliced(
              at,
              1,
              ...Array.from({ length: pick([1, 30, 64, 20_000]) }, () => children(1)),
              own,
            )
          : way === 2
            ? schema.elements.toSpliced(at, draw(2), own)
            : way === 3
              ? schema.elements.toReversed()
              : schema.elements.toSpliced(at, 1);
    const list = encodeList({ ...schema, elements });
    return {
      bytes: join(data, replaceAt(footer, [FILE_META.schema], list)),
      description: `way ${way} at ${at}, ${count}`,
    };
  },
  'another name': ({ data, footer, pick }) => {
    const names = sitesOf(footer).filter(({ type }) => type === TYPE.binary);
    const site = pickSite(names, pick);
    const name = pick(['', 'k', 'x', 'a1', '\u0000', '__proto__', 'y'.repeat(100_000), null]);
    const value = name === null ? Uint8Array.of(3, 0xff, 0xfe, 0x80) : encodeText(name);
    return {
      bytes: join(data, replaceAt(footer, site.path, value)),
      description: `${site.path.join('.')}: ${name?.slice(0, 20) ?? 'no UTF-8'}`,
    };
  },
  'swapped chunks': ({ data, footer, draw }) => {
    const chunks = sitesOf(footer).filter(
      ({ path }) => path.length === 4 && path[0] === FILE_META.rowGroups && path[2] === ROW_GROUP.columns,
    );
    const [a, b] = [chunks[draw(chunks.length)]!, chunks[draw(chunks.length)]!];
    const all = draw(2) === 0;
    const inner = all ? [] : [COLUMN_CHUNK.metaData, COLUMN_META.dataPageOffset];
    const at = ({ path }: Site): Site =>
      sitesOf(footer).find((site) => site.path.join() === [...path, ...inner].join())!;
    const changed = replaceAt(replaceAt(footer, at(a).path, at(b).raw), at(b).path, at(a).raw);
    return {
      bytes: join(data, changed),
      description: `${a.path.join('.')} and ${b.path.join('.')}${all ? '' : ', their offsets'}`,
    };
  },
  'a lying page header': ({ data, footer, draw, pick }) => {
    const chunks = sitesOf(footer).filter(
      ({ path }) => path.length === 5 && path[0] === FILE_META.rowGroups && path[4] === COLUMN_CHUNK.metaData,
    );
    const { path, raw } = pick(chunks);
    const [offset, length] = placeOfChunk(raw);
    const chunk = data.subarray(offset, offset + length);
    const header = encodeStruct(readStruct(chunk));
    const site = pickSite(sitesOf(header).filter(isInteger), pick);
    const [value, lying] = lie(site, header, draw, pick);
    // The chunk goes behind the others, so that nothing else moves.
    const moved = Buffer.concat([lying, chunk.subarray(header.length)]);
    const shift = data.length - offset;
    let changed: Uint8Array = replaceAt(
      footer,
      [...path, COLUMN_META.totalCompressedSize],
      encodeInteger(moved.length),
    );
    for (const field of readStruct(raw))
      if (field.id === COLUMN_META.dataPageOffset || field.id === COLUMN_META.dictionaryPageOffset) {
        const own = readInteger(field.raw);
        const behind = own > offset ? lying.length - header.length : 0;
        changed = replaceAt(changed, [...path, field.id], encodeInteger(own + shift + behind));
      }
    return {
      bytes: join(Buffer.concat([data, moved]), changed),
      description: `${path.join('.')} ${site.path.join('.')}: ${integerAt(site)} becomes ${value}`,
    };
  },
};
const KINDS = Object.keys(WAYS);

function split(bytes: Buffer): [data: Buffer, footer: Buffer] {
  const end = bytes.length - 8;
  const start = end - bytes.readUInt32LE(end);
  return [bytes.subarray(0, start), bytes.subarray(start, end)];
}

function join(data: Uint8Array, footer: Uint8Array): Buffer {
  const tail = Buffer.from('....PAR1', 'latin1');
  tail.writeUInt32LE(footer.length);
  return Buffer.concat([data, footer, tail]);
}

function flip(
  bytes: Buffer,
  from: number,
  length: number,
  draw: Source['draw'],
): { bytes: Buffer; description: string } {
  const copy = Buffer.from(bytes);
  const flips = Array.from({ length: draw(3) === 0 ? 1 + draw(8) : 1 }, () => [from + draw(length), draw(8)] as const);
  for (const [at, bit] of flips) copy[at]! ^= 1 << bit;
  return { bytes: copy, description: flips.map(([at, bit]) => `byte ${at} bit ${bit}`).join(', ') };
}

/** A kind of field first, then one of its kind. */
function pickSite(sites: Site[], pick: Source['pick']): Site {
  const byPlace = Map.groupBy(sites, placeOf);
  return pick(byPlace.get(pick([...byPlace.keys()]))!);
}

function lie(
  site: Site,
  struct: Uint8Array,
  draw: Source['draw'],
  pick: Source['pick'],
): [number | bigint, Uint8Array] {
  const own = integerAt(site);
  const near = [own + 1n, own - 1n, -own, own * 2n, own / 2n, BigInt(draw(100))];
  const value = draw(2) === 0 ? pick(near) : pick(HUGE);
  return [
    value,
    replaceAt(struct, site.path, site.type === TYPE.byte ? Uint8Array.of(Number(value) & 255) : encodeInteger(value)),
  ];
}

function placeOfChunk(meta: Uint8Array): [start: number, length: number] {
  const number = (id: number): number => {
    const field = readStruct(meta).find((own) => own.id === id);
    return field === undefined ? 0 : readInteger(field.raw);
  };
  const dictionary = number(COLUMN_META.dictionaryPageOffset);
  return [dictionary > 0 ? dictionary : number(COLUMN_META.dataPageOffset), number(COLUMN_META.totalCompressedSize)];
}

const plain = (struct: Uint8Array, without: number): ReturnType<typeof readStruct> =>
  readStruct(struct).filter(({ id }) => id !== without);

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}
