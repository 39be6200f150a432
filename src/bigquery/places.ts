/** Where a worker is, as far as money is concerned. */

const METADATA_URL = 'http://metadata.google.internal/computeMetadata/v1/instance/zone';
/** On a machine of Google's it answers within a few milliseconds; elsewhere there is no such name. */
const METADATA_TIMEOUT_MS = 700;

/** The region of the Google machine that this is, e.g. `europe-west3`, or null where it is none. */
export async function googleRegion(): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(METADATA_TIMEOUT_MS);
    const response = await fetch(METADATA_URL, { headers: { 'Metadata-Flavor': 'Google' }, signal });
    if (!response.ok || response.headers.get('metadata-flavor') !== 'Google') return null;
    return regionOf(await response.text());
  } catch {
    return null;
  }
}

/** `projects/1/zones/europe-west3-a` is in `europe-west3`. */
function regionOf(zone: string): string | null {
  return /\/([a-z]+-[a-z]+\d+)-[a-z]$/.exec(zone.trim())?.[1] ?? null;
}

/** Reading from the multi-regions US and EU is free of egress in their regions, too. */
export function isSamePlace(worker: string, dataset: string): boolean {
  const [here, there] = [worker.toLowerCase(), dataset.toLowerCase()];
  if (here === there) return true;
  return (there === 'us' && here.startsWith('us-')) || (there === 'eu' && here.startsWith('europe-'));
}
