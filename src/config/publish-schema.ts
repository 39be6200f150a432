import { writeFile } from 'node:fs/promises';
import { configJsonSchema } from './json-schema.ts';

/** `npm run schema`: writes the published JSON Schema from the zod schema. A test fails while it is out of date. */
const target = new URL('../../schema/widemerge.schema.json', import.meta.url);
await writeFile(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
