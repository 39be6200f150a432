import * as z from 'zod';
import { configSchema } from './schema.ts';

/** JSON Schema of the YAML configuration, as published in schema/widemerge.schema.json. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return { $schema, title: 'widemerge configuration', ...rest };
}
