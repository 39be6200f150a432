import { cpus, release, totalmem } from 'node:os';
import { fileSystemOf } from './place.ts';

/** What figures must be read with. */
export interface MachineFacts {
  processor: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  /** Of the folder that was measured in. */
  fileSystem: string;
  node: string;
}

export const machineFacts = async (folder: string): Promise<MachineFacts> => ({
  processor: cpus()[0]?.model ?? 'unknown processor',
  cores: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
  fileSystem: await fileSystemOf(folder),
  node: process.version,
});

/** `2 cores (AMD EPYC), 25.2 GB of memory, ext4, Linux 6.18, Node v24.21.0`. */
export const machineText = ({ processor, cores, memoryBytes, kernel, fileSystem, node }: MachineFacts): string =>
  [
    `${cores} cores (${processor})`,
    `${(memoryBytes / 1e9).toFixed(1)} GB of memory`,
    fileSystem,
    `Linux ${kernel.split('.').slice(0, 2).join('.')}`,
    `Node ${node}`,
  ].join(', ');
