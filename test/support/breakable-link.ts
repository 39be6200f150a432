import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP connection to somewhere that can be cut and mended, as a network is. */
export interface BreakableLink extends AsyncDisposable {
  /** host:port at which it stands. */
  address: string;
  /** Ends what is connected; nothing comes through any more. */
  cut(): void;
  mend(): void;
}

export async function openLink(target: string): Promise<BreakableLink> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        other.destroy();
        sockets.delete(socket);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const own = server.address();
  if (own === null || typeof own === 'string') throw new Error('a TCP server has a port');
  return {
    address: `127.0.0.1:${own.port}`,
    cut,
    mend: () => (isCut = false),
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
