import * as z from 'zod';
import { BACKENDS, FAILURES } from '../contract.ts';
import type { FailureType } from '../contract.ts';

/** What `notify.command` gets on its standard input: one line of JSON. Published as schema/notification.schema.json. */

const pair = z.string().describe('Name of the pair, e.g. GBPUSD.');
const reason = z.string().describe('One line for people.');
const failure = z.enum(Object.keys(FAILURES) as FailureType[]).describe('Type of the failure.');

const envelope = {
  run: z.string().describe('Name of the run.'),
  workflowId: z.string().describe('Of the run, e.g. widemerge/fx.'),
  at: z.iso.datetime().describe('When it happened, UTC.'),
};
const event = <N extends string, S extends z.core.$ZodLooseShape>(name: N, what: string, shape: S) =>
  z.object({ ...envelope, event: z.literal(name), ...shape }).describe(what);

const notificationSchema = z.discriminatedUnion('event', [
  event('pairSetAside', 'A pair cannot be merged for now; the others go on.', {
    pair,
    reason,
    failure: failure.nullable().describe('Null where its workflow was ended from outside.'),
  }),
  event('machineUnhealthy', 'A pair waits for the machine: told once for each wait.', { pair, reason }),
  event('mergeKilled', 'A merge was ended by its guard, by the system or by somebody, or vanished.', {
    pair,
    reason,
    failure,
    backend: z.enum(BACKENDS).nullable().describe('Null for a step that belongs to none, e.g. discovery.'),
  }),
  event('budgetWarning', 'A budget has reached 50 % or 80 % for the first time.', { pair, reason }),
  event('approvalWanted', 'The first pair has been measured, and the others wait for an approval.', { pair, reason }),
  event('runEnded', 'The run is over.', {
    outcome: z.enum(['completed', 'cancelled', 'failed']),
    merged: z.array(z.string()).describe('Pairs, at most 100 of them.'),
    setAside: z.array(z.string()).describe('Pairs, at most 100 of them.'),
    skipped: z.array(z.string()).describe('Pairs, at most 100 of them.'),
    reason,
  }),
]);

export function notificationJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(notificationSchema, { target: 'draft-7' });
  return { $schema, title: 'what notify.command gets', ...rest };
}
