/** `gs://bucket/some/folder`, or without the scheme, or without the folder. */
export const BUCKET_FORM = /^(?:gs:\/\/)?([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])((?:\/[\w.=-]+)*)\/?$/;

/** Of a setting that was checked. The folder is empty, or ends with a slash. */
export function bucketPlace(setting: string): { bucket: string; folder: string } {
  const [, bucket = setting, path = ''] = BUCKET_FORM.exec(setting) ?? [];
  return { bucket, folder: path === '' ? '' : `${path.slice(1)}/` };
}
