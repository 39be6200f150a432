import { invalidCheckpoint } from '../errors.ts';
import { checkSchemaElement } from './check-fields.ts';
import { checkMeaning } from './check-types.ts';
import { PHYSICAL, REPETITION, SCHEMA_ELEMENT } from './field-ids.ts';
import { findField, integerOf, readList, readStruct, readText, type ThriftField, type ThriftStruct } from './thrift.ts';
import { ThriftError } from './thrift-cursor.ts';

/** A top-level field of a schema: a flat column, or a group with its leaves. */
export interface Column {
  name: string;
  /** Its schema element, then those of its children, depth first. */
  elements: ThriftStruct[];
  /** Index of its first leaf in a row group's chunks. */
  firstLeaf: number;
  leaves: number;
  /** A group or a repeated field: has definition and repetition levels of its own. */
  nested: boolean;
  /** Physical type, of a flat column; else null. */
  physicalType: number | null;
  repetition: number;
}

/** A leaf of a column: what its chunks hold. */
export interface Leaf {
  /** Names from the top-level field down. */
  path: string[];
  physicalType: number;
  /** Bytes of a value of FIXED_LEN_BYTE_ARRAY; else 0. */
  length: number;
  /** Definition level of a value that is there; levels below it say what is null or empty. */
  maxDefinition: number;
  /** Repetition level of the innermost list; 0 where nothing repeats. */
  maxRepetition: number;
}

const MAX_DEPTH = 32;

/** Reads the flattened schema of a footer. */
export function readSchema(field: ThriftField, name: string): { columns: Column[]; leaves: number } {
  const elements = readList(field.raw).elements.map(readStruct);
  const root = elements[0];
  if (root === undefined) throw new ThriftError('has no schema');
  const columns: Column[] = [];
  let position = 1;
  let leaves = 0;
  const takeSubtree = (depth: number): void => {
    const element = elements[position++];
    if (element === undefined || depth > MAX_DEPTH) throw new ThriftError('has a schema that does not add up');
    const count = children(element);
    checkSchemaElement(element);
    if (count === 0) {
      checkMeaning(element);
      leaves++;
    }
    for (let i = 0; i < count; i++) takeSubtree(depth + 1);
  };
  for (let i = 0, count = children(root); i < count; i++) {
    const start = position;
    const firstLeaf = leaves;
    takeSubtree(1);
    columns.push(describeColumn(elements.slice(start, position), firstLeaf, leaves - firstLeaf));
  }
  if (position !== elements.length) throw new ThriftError('has a schema that does not add up');
  const seen = new Set<string>();
  for (const column of columns) {
    if (seen.has(column.name)) throw invalidCheckpoint(name, `has the column ${column.name} twice`, column.name);
    seen.add(column.name);
  }
  return { columns, leaves };
}

function describeColumn(elements: ThriftStruct[], firstLeaf: number, leaves: number): Column {
  const top = elements[0]!;
  const nameField = findField(top, SCHEMA_ELEMENT.name);
  if (nameField === undefined) throw new ThriftError('has a column without a name');
  const repetition = integerOf(top, SCHEMA_ELEMENT.repetition) ?? REPETITION.required;
  const type = integerOf(top, SCHEMA_ELEMENT.type);
  const nested = children(top) > 0 || repetition === REPETITION.repeated;
  if (!nested && (type === null || type < 0 || type > 7)) throw new ThriftError('has a column without a known type');
  return {
    name: readText(nameField.raw),
    elements,
    firstLeaf,
    leaves,
    nested,
    physicalType: nested ? null : type,
    repetition,
  };
}

function children(element: ThriftStruct): number {
  const count = integerOf(element, SCHEMA_ELEMENT.numChildren) ?? 0;
  if (count < 0) throw new ThriftError('has a schema that does not add up');
  return count;
}

/** The leaves of a column, in the order of its chunks; its schema has been checked. */
export function leavesOf({ elements }: Column): Leaf[] {
  const leaves: Leaf[] = [];
  let position = 0;
  const walk = (path: string[], definition: number, repetition: number): void => {
    const element = elements[position++]!;
    const own = [...path, readText(findField(element, SCHEMA_ELEMENT.name)!.raw)];
    const kind = integerOf(element, SCHEMA_ELEMENT.repetition) ?? REPETITION.required;
    const maxDefinition = definition + (kind === REPETITION.required ? 0 : 1);
    const maxRepetition = repetition + (kind === REPETITION.repeated ? 1 : 0);
    const count = children(element);
    for (let i = 0; i < count; i++) walk(own, maxDefinition, maxRepetition);
    if (count > 0) return;
    const physicalType = integerOf(element, SCHEMA_ELEMENT.type)!;
    const length = integerOf(element, SCHEMA_ELEMENT.typeLength) ?? 0;
    leaves.push({
      path: own,
      physicalType,
      length: physicalType === PHYSICAL.fixedLenByteArray ? length : 0,
      maxDefinition,
      maxRepetition,
    });
  };
  walk([], 0, 0);
  return leaves;
}
