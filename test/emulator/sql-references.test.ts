import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqlReferences } from '../../src/emulator/sql-references.ts';

const reads = (sql: string): string[] => sqlReferences(sql).reads;

test('tables: quoted and bare paths, joins, commas, subqueries, each once', () => {
  assert.deepEqual(reads('SELECT a.x FROM `p.d.a` AS a JOIN `p`.`d`.`b` b USING (k) LEFT JOIN d.c ON TRUE'), [
    'p.d.a',
    'p.d.b',
    'd.c',
  ]);
  assert.deepEqual(
    reads('SELECT 1 FROM d.a, d.b AS x, (SELECT * FROM my-project.d.c) WHERE a.k IN (SELECT k FROM d.a)'),
    ['d.a', 'd.b', 'my-project.d.c'],
  );
});

test('what is no table: comments, texts, common table expressions, arrays of a row, functions', () => {
  assert.deepEqual(reads(`SELECT 'FROM d.x', "JOIN d.y" /* FROM d.z */ FROM d.a -- , d.b\n# FROM d.c`), ['d.a']);
  assert.deepEqual(reads('WITH s AS (SELECT k FROM d.a) SELECT * FROM s JOIN s AS t USING (k)'), ['d.a']);
  assert.deepEqual(reads('SELECT v FROM d.a AS t, t.items AS v, UNNEST([1, 2]) AS n'), ['d.a']);
  assert.deepEqual(reads('SELECT EXTRACT(YEAR FROM t.at) FROM d.a AS t'), ['d.a']);
});

test('the table that a statement writes is not one that it reads', () => {
  for (const sql of [
    'CREATE OR REPLACE TABLE `p.d.w` OPTIONS(description="x") AS SELECT k FROM d.a',
    'CREATE TABLE IF NOT EXISTS `p.d.w` AS SELECT k FROM d.a',
    'INSERT INTO `p.d.w` (k) SELECT k FROM d.a',
  ]) {
    const { writes, reads: read, isQuery } = sqlReferences(sql);
    assert.deepEqual([writes, read, isQuery], ['p.d.w', ['d.a'], false], sql);
  }
  assert.equal(sqlReferences('DROP TABLE IF EXISTS d.w').writes, 'd.w');
  assert.equal(sqlReferences('DELETE FROM d.w WHERE TRUE').writes, 'd.w');
});

test('columns: names, stars of all tables and of one, and how many the result has', () => {
  const one = sqlReferences('SELECT a.*, b.`Odd Name` FROM d.a AS a JOIN d.b AS b USING (k)');
  assert.deepEqual([one.allColumns, [...one.allColumnsOf], one.columns], [false, ['d.a'], null]);
  assert.ok(one.names.has('odd name') && one.names.has('k') && !one.names.has('x'));
  assert.equal(sqlReferences('SELECT * EXCEPT (k) FROM d.a').allColumns, true);
  assert.equal(sqlReferences('SELECT COUNT(*), 2 * x FROM d.a').allColumns, false);
  assert.equal(sqlReferences('WITH s AS (SELECT 1, 2, 3) SELECT f(a, b), c FROM s').columns, 2);
});
