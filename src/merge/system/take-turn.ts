/** A turn of the event loop: lets timers, the end of standard input and signals be seen between two pieces of work that wait for nothing. */
export const takeTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
