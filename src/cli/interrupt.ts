import { EXIT, Interrupted } from './exit.ts';

/**
 * A signal that the first Ctrl-C (or SIGTERM, SIGHUP) aborts with Interrupted; the second ends this process at once.
 * `Symbol.dispose` gives the terminal's own meaning back.
 */
export function interruptible(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new Interrupted());
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
