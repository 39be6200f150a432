import { formatBytes } from '../config/units.ts';
import type { MergeFigures, WhyCopied } from '../payloads.ts';

/** Where blocks could be shared, or not, and what would change it. */
const WHY: Record<WhyCopied, string> = {
  noClones: 'this file system cannot clone; XFS and btrfs can',
  otherFileSystem: 'the checkpoints lie on another file system, which can clone: an output there takes no space again',
};

/** How the bytes of an output came there, and what they take of the disk. */
export function sharingOf({ bytesCloned, bytesCopied, whyCopied }: MergeFigures): string {
  const copied = `${formatBytes(bytesCopied)} copied`;
  const why = whyCopied === undefined ? '' : `: ${WHY[whyCopied]}`;
  return bytesCloned === 0 ? copied + why : `${formatBytes(bytesCloned)} cloned, ${copied}${why}`;
}

/** A line of the plan; null where it is not known. */
export function sharingLine(sharing: 'cloned' | WhyCopied | null): string | null {
  if (sharing === null) return null;
  return sharing === 'cloned'
    ? 'aligned files will be cloned: their bytes take no space again'
    : `all bytes will be copied: ${WHY[sharing]}`;
}
