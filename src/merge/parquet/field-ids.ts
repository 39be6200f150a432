/** Field ids of the footer's structs. Source: https://github.com/apache/parquet-format, parquet.thrift, version 2.12. */

export const FILE_META = {
  version: 1,
  schema: 2,
  numRows: 3,
  rowGroups: 4,
  keyValueMetadata: 5,
  createdBy: 6,
  columnOrders: 7,
  encryptionAlgorithm: 8,
} as const;

export const SCHEMA_ELEMENT = {
  type: 1,
  typeLength: 2,
  repetition: 3,
  name: 4,
  numChildren: 5,
  convertedType: 6,
  scale: 7,
  precision: 8,
  fieldId: 9,
  logicalType: 10,
} as const;

export const ROW_GROUP = {
  columns: 1,
  totalByteSize: 2,
  numRows: 3,
  sortingColumns: 4,
  fileOffset: 5,
  totalCompressedSize: 6,
  ordinal: 7,
} as const;

export const COLUMN_CHUNK = {
  filePath: 1,
  fileOffset: 2,
  metaData: 3,
  offsetIndexOffset: 4,
  offsetIndexLength: 5,
  columnIndexOffset: 6,
  columnIndexLength: 7,
  cryptoMetadata: 8,
  encryptedMetadata: 9,
} as const;

export const COLUMN_META = {
  type: 1,
  encodings: 2,
  pathInSchema: 3,
  codec: 4,
  numValues: 5,
  totalUncompressedSize: 6,
  totalCompressedSize: 7,
  keyValueMetadata: 8,
  dataPageOffset: 9,
  indexPageOffset: 10,
  dictionaryPageOffset: 11,
  statistics: 12,
  encodingStats: 13,
  bloomFilterOffset: 14,
  bloomFilterLength: 15,
  sizeStatistics: 16,
} as const;

export const PAGE_HEADER = {
  type: 1,
  bytes: 2,
  storedBytes: 3,
  data: 5,
  dictionary: 7,
  dataV2: 8,
} as const;

/** Encodings of pages. */
export const ENCODING = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const;

/** What comes later is not known here, nor to other readers of today. */
export const LAST_ENCODING = 9;

/** Types of pages. */
export const PAGE = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;

export const SIZE_STATISTICS = { unencodedByteArrayBytes: 1 } as const;

export const STATISTICS = {
  deprecatedMax: 1,
  deprecatedMin: 2,
  nullCount: 3,
  distinctCount: 4,
  maxValue: 5,
  minValue: 6,
  isMaxExact: 7,
  isMinExact: 8,
} as const;

export const OFFSET_INDEX = { pageLocations: 1 } as const;

export const PAGE_LOCATION = { offset: 1, compressedPageSize: 2, firstRowIndex: 3 } as const;

export const COLUMN_INDEX = {
  nullPages: 1,
  minValues: 2,
  maxValues: 3,
  boundaryOrder: 4,
  nullCounts: 5,
  repetitionLevels: 6,
  definitionLevels: 7,
} as const;

export const KEY_VALUE = { key: 1, value: 2 } as const;

/** Physical types. */
export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixedLenByteArray: 7,
} as const;

export const REPETITION = { required: 0, optional: 1, repeated: 2 } as const;

/** Converted types (the older form of logical types) that matter for keys and orders. */
export const CONVERTED = {
  utf8: 0,
  decimal: 5,
  date: 6,
  timestampMillis: 9,
  timestampMicros: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18,
  interval: 21,
} as const;

/** Field ids of the LogicalType union. */
export const LOGICAL = {
  string: 1,
  map: 2,
  list: 3,
  enum: 4,
  decimal: 5,
  date: 6,
  time: 7,
  timestamp: 8,
  integer: 10,
  unknown: 11,
  json: 12,
  bson: 13,
  uuid: 14,
  float16: 15,
} as const;
