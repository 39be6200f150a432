import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { notificationJsonSchema } from '../../src/config/notification-schema.ts';
import { loadConfig } from '../../src/config/load.ts';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test('the published JSON Schema is the one that the zod schema gives (npm run schema)', async () => {
  const published: unknown = JSON.parse(await readFile(file('schema/widemerge.schema.json'), 'utf8'));
  assert.deepEqual(published, configJsonSchema());
});

test('so is that of what notify.command gets', async () => {
  const published: unknown = JSON.parse(await readFile(file('schema/notification.schema.json'), 'utf8'));
  assert.deepEqual(published, notificationJsonSchema());
});

for (const name of ['config/fx.yaml', 'config/demo.yaml'])
  test(`${name} is taken by the JSON Schema and by loadConfig`, async () => {
    const schema = JSON.parse(await readFile(file('schema/widemerge.schema.json'), 'utf8')) as object;
    const validate = new Ajv({ strict: false }).compile(schema);
    assert.ok(validate(parse(await readFile(file(name), 'utf8'))), JSON.stringify(validate.errors));
    await loadConfig(file(name));
  });

test("config/fx.yaml is the incident's run: 27 crosses of the eight majors, EURUSD done", async () => {
  const config = await loadConfig(file('config/fx.yaml'));
  assert.ok(Array.isArray(config.pairs));
  const majors = ['EUR', 'GBP', 'AUD', 'NZD', 'USD', 'CAD', 'CHF', 'JPY'];
  const crosses = majors.flatMap((base, index) => majors.slice(index + 1).map((quote) => base + quote));
  assert.deepEqual(config.pairs.toSorted(), crosses.filter((pair) => pair !== 'EURUSD').toSorted());
  assert.equal(config.checkpoints.expected, 668);
  assert.equal(config.limits.memoryBytes, 40 * 2 ** 30);
  assert.equal(config.limits.killAboveBytes, 50 * 2 ** 30);
  assert.equal(config.limits.timeoutMs, 30 * 60_000);
  assert.equal(config.clean, 'delete');
});
