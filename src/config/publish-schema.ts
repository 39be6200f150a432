import { writeFile } from 'node:fs/promises';
import { configJsonSchema } from './json-schema.ts';
import { notificationJsonSchema } from './notification-schema.ts';

/** `npm run schema`: writes the published JSON Schemas from the zod schemas. A test fails while one is out of date. */
const publish = (name: string, schema: unknown): Promise<void> =>
  writeFile(new URL(`../../schema/${name}`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
await publish('widemerge.schema.json', configJsonSchema());
await publish('notification.schema.json', notificationJsonSchema());
