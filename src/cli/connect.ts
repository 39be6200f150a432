import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { Client, Connection } from '@temporalio/client';
import type { ConnectionLike } from '@temporalio/client';
import { isSilence, serverStatusOf } from '../client/server-status.ts';
import { CommandError, UsageError } from './exit.ts';

const DEFAULT_ADDRESS = 'localhost:7233';
/** A server that is there answers at once; the SDK's own 10 s are long for somebody who has forgotten to start one. */
const CONNECT_TIMEOUT_MS = 5_000;

/** A client as Temporal's own environment configuration says (TEMPORAL_ADDRESS, ..., or a profile file). */
export async function connect(): Promise<{ client: Client } & AsyncDisposable> {
  const { connectionOptions, namespace } = readConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS }).catch(
    (cause: unknown) => {
      const status = serverStatusOf(cause);
      throw status === null || isSilence(status) ? unreachable(connectionOptions.address, cause) : cause;
    },
  );
  await requireNamespace(connection, namespace).catch(async (error: unknown) => {
    await connection.close();
    throw error;
  });
  return {
    client: new Client({ connection, namespace: namespace ?? 'default' }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

const GRPC_NOT_FOUND = 5;

/** Throws a CommandError where the server has no such namespace; where it does not say, the command itself will tell. */
export async function requireNamespace(connection: ConnectionLike, namespace = 'default'): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== GRPC_NOT_FOUND) return;
    const message = `the Temporal server has no namespace ${namespace}: make it, or name another one in TEMPORAL_NAMESPACE`;
    throw new CommandError({ type: 'NamespaceNotFound', message }, { cause });
  }
}

/** The same settings for a worker's connection. Throws a UsageError where they cannot be read. */
export function readConnectConfig(): ClientConnectConfig {
  try {
    return loadClientConnectConfig();
  } catch (cause) {
    // The first line says what is wrong; the rest is an excerpt of the file.
    const [message] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new UsageError(`Temporal's environment configuration cannot be used: ${message}`, { cause });
  }
}

export function unreachable(address: string = DEFAULT_ADDRESS, cause: unknown): CommandError {
  const advice = 'start one here with `widemerge server`, or name another one in TEMPORAL_ADDRESS';
  return new CommandError(
    { type: 'ServerUnavailable', message: `no Temporal server answers on ${address}: ${advice}` },
    { cause },
  );
}
