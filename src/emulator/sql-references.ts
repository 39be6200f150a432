/**
 * Which tables and columns a GoogleSQL text names, read from its tokens without a grammar. That is enough for joins of
 * generated queries; what it cannot tell is counted in favour of more bytes: a column counts for every table that has
 * one of its name, `*` for all columns (`alias.*` for those of its table), also with EXCEPT.
 */
export interface SqlReferences {
  /** Paths of tables that are read, as they stand there: `project.dataset.table`, or shorter. Each once. */
  reads: string[];
  /** Table that the statement writes (CREATE, INSERT, DROP, ALTER ...), or null. */
  writes: string | null;
  /** All identifiers in lower case: a column that is not among them is not read. */
  names: Set<string>;
  /** `SELECT *`: all columns of all tables. */
  allColumns: boolean;
  /** Paths of the tables whose alias or name stands before `.*`. */
  allColumnsOf: Set<string>;
  /** Columns of the outermost SELECT, or null where that has a `*` or is in parentheses. */
  columns: number | null;
  /** SELECT, WITH or a query in parentheses: neither DDL nor DML nor a script. */
  isQuery: boolean;
}

interface Token {
  kind: 'name' | 'quoted' | 'symbol';
  text: string;
}

const TOKEN =
  /(?:--|#)[^\n]*|\/\*[\s\S]*?\*\/|[rb]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`([^`]*)`|([A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+(?=[-.A-Za-z0-9_]*\.))*)|(\d[\w.]*|\S)/giy;
const BEFORE_READ = new Set(['FROM', 'JOIN', 'USING']);
const BEFORE_WRITE = new Set(['TABLE', 'VIEW', 'INTO', 'UPDATE', 'EXISTS', 'DELETE', 'MERGE', 'INSERT', 'TRUNCATE']);
const AFTER_TABLE = new Set(
  'AS ON USING WHERE GROUP ORDER LIMIT HAVING WINDOW QUALIFY JOIN LEFT RIGHT FULL INNER CROSS UNION INTERSECT EXCEPT FOR SET TABLESAMPLE WHEN VALUES SELECT WITH OPTIONS'.split(
    ' ',
  ),
);

export function sqlReferences(sql: string): SqlReferences {
  const tokens = tokenize(sql);
  const isQuery = /^(SELECT|WITH|\()$/i.test(tokens[0]?.text ?? '');
  const aliases = new Map<string, string>();
  const reads = new Set<string>();
  const subqueries = new Set<string>();
  let writes: string | null = null;
  for (let at = 0; at < tokens.length; at++) {
    const word = keyword(tokens[at]);
    if (/^\($/.test(tokens[at + 1]?.text ?? '') && keyword(tokens[at]) === 'AS' && tokens[at - 1] !== undefined)
      subqueries.add(tokens[at - 1]!.text.toLowerCase());
    if (!isQuery && writes === null && BEFORE_WRITE.has(word)) {
      const target = pathAt(tokens, at + 1);
      if (target !== null && !/^(TABLE|VIEW|INTO|IF|FROM)$/i.test(target.path)) writes = target.path;
    }
    if (!BEFORE_READ.has(word)) continue;
    if (!isQuery && writes === null && keyword(tokens[at - 1]) === 'DELETE') {
      writes = pathAt(tokens, at + 1)?.path ?? null;
      continue;
    }
    for (let next: number | null = at + 1; next !== null;) next = readTable(tokens, next, reads, aliases);
  }
  const known = new Set([...aliases.keys(), ...subqueries]);
  const names = new Set<string>();
  for (const token of tokens) if (token.kind !== 'symbol') names.add(token.text.toLowerCase());
  const stars = starsOf(tokens, aliases);
  return {
    // One part alone is a common table expression or a column; `alias.column` is a correlated array.
    reads: [...reads].filter((path) => !known.has(firstPart(path)) || path.split('.').length > 2),
    writes,
    columns: countColumns(tokens),
    names,
    isQuery,
    ...stars,
  };
}

/** Takes a table and its alias; the position of the next one after a comma, or null. */
function readTable(tokens: Token[], at: number, reads: Set<string>, aliases: Map<string, string>): number | null {
  const found = pathAt(tokens, at);
  if (found === null || tokens[found.next]?.text === '(') return null;
  reads.add(found.path);
  let next = found.next;
  if (keyword(tokens[next]) === 'AS') next++;
  const alias = tokens[next];
  const named = alias !== undefined && alias.kind !== 'symbol' && !AFTER_TABLE.has(keyword(alias));
  aliases.set((named ? alias.text : found.path.split('.').at(-1)!).toLowerCase(), found.path);
  if (named) next++;
  return tokens[next]?.text === ',' ? next + 1 : null;
}

function starsOf(tokens: Token[], aliases: Map<string, string>): { allColumns: boolean; allColumnsOf: Set<string> } {
  const allColumnsOf = new Set<string>();
  let allColumns = false;
  tokens.forEach((token, at) => {
    if (token.text !== '*' || token.kind !== 'symbol') return;
    const before = tokens[at - 1];
    if (before?.text === '.') {
      const table = aliases.get((tokens[at - 2]?.text ?? '').toLowerCase());
      if (table === undefined) allColumns = true;
      else allColumnsOf.add(table);
    } else if (before?.text === ',' || /^(SELECT|DISTINCT|ALL)$/.test(keyword(before))) allColumns = true;
  });
  return { allColumns, allColumnsOf };
}

function countColumns(tokens: Token[]): number | null {
  let depth = 0;
  let columns = 0;
  for (const token of tokens) {
    if (token.text === '(' && token.kind === 'symbol') depth++;
    else if (token.text === ')' && token.kind === 'symbol') depth--;
    else if (depth > 0) continue;
    else if (keyword(token) === 'SELECT' && columns === 0) columns = 1;
    else if (columns === 0) continue;
    else if (keyword(token) === 'FROM') break;
    else if (token.kind === 'symbol' && token.text === ',') columns++;
    else if (token.kind === 'symbol' && token.text === '*') return null;
  }
  return columns === 0 ? null : columns;
}

/** A dotted path from here on: `p.d.t`, `p`.`d`.`t`, or parts without quotes. */
function pathAt(tokens: Token[], start: number): { path: string; next: number } | null {
  const parts: string[] = [];
  let at = start;
  // IF [NOT] EXISTS stands between the keyword and the name.
  while (/^(IF|NOT|EXISTS)$/.test(keyword(tokens[at]))) at++;
  for (;;) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'symbol') return null;
    parts.push(token.text);
    at++;
    if (tokens[at]?.text !== '.' || tokens[at + 1]?.kind === 'symbol') return { path: parts.join('.'), next: at };
    at++;
  }
}

function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const [, quoted, name, symbol] of sql.matchAll(new RegExp(TOKEN.source, 'gi'))) {
    if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol });
  }
  return tokens;
}

function keyword(token: Token | undefined): string {
  return token?.kind === 'name' ? token.text.toUpperCase() : '';
}

function firstPart(path: string): string {
  return path.split('.')[0]!.toLowerCase();
}
