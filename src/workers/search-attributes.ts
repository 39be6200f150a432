import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract.ts';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
/** The server's frontends cache the list for up to ten seconds on some versions. */
const VISIBLE_WITHIN_MS = 15_000;

/** Search attributes of this project that the namespace does not know as keywords. Rejects where it cannot be asked. */
export async function missingSearchAttributes(connection: ConnectionLike, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.values(SEARCH_ATTRIBUTES).filter((name) => Number(customAttributes[name]) !== KEYWORD);
}

/**
 * Registers what is missing, and resolves to whether the namespace knows all of them now. Where that is not permitted
 * the runs go on without: an attribute that the server does not know would hang them.
 */
export async function registerSearchAttributes(
  connection: ConnectionLike,
  namespace: string,
  log: (line: string) => void,
): Promise<boolean> {
  try {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    const deadline = performance.now() + VISIBLE_WITHIN_MS;
    while ((await missingSearchAttributes(connection, namespace)).length > 0) {
      if (performance.now() > deadline) throw new Error('they were added, and are not listed yet');
      await sleep(100);
    }
    log(`registered the search attributes ${missing.join(', ')}`);
    return true;
  } catch (error) {
    const names = Object.values(SEARCH_ATTRIBUTES).join(', ');
    log(`goes on without the search attributes ${names} (${String(error)}); ask for them to be registered as Keyword`);
    return false;
  }
}
