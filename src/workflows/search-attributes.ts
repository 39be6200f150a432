import { upsertSearchAttributes } from '@temporalio/workflow';
import type { BackendName } from '../contract.ts';
import { SEARCH_ATTRIBUTES } from '../contract.ts';

/** Only for a server that is known to have them: an unknown attribute would make the workflow task fail for ever. */
export function upsertMergeAttributes(values: { pair?: string; state?: string; backend?: BackendName | null }): void {
  const { pair, state, backend } = values;
  upsertSearchAttributes([
    ...(pair === undefined ? [] : [keyword(SEARCH_ATTRIBUTES.pair, pair)]),
    ...(state === undefined ? [] : [keyword(SEARCH_ATTRIBUTES.state, state)]),
    ...(backend === undefined ? [] : [keyword(SEARCH_ATTRIBUTES.backend, backend)]),
  ]);
}

function keyword(name: string, value: string | null) {
  return { key: { name, type: 'KEYWORD' as const }, value };
}
