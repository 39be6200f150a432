/** `312.0 MiB`, `1.50 GiB`. */
export const sizeText = (bytes: number): string =>
  bytes < 2 ** 29 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
