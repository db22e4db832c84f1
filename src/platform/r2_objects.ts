const KEYS_A_DELETE = 1000;

/** All that R2 lists, a page at a time: it gives a thousand objects at once. */
export async function* listPages(
  bucket: R2Bucket,
  options: Omit<R2ListOptions, "cursor">,
): AsyncGenerator<R2Objects, void, void> {
  for (let cursor: string | undefined; ;) {
    const page = await bucket.list({ ...options, ...(cursor === undefined ? {} : { cursor }) });
    yield page;
    if (!page.truncated) return;
    ({ cursor } = page);
  }
}

/** The keys of all objects whose keys start with `prefix`. */
export async function keysUnder(bucket: R2Bucket, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { objects } of listPages(bucket, { prefix })) keys.push(...objects.map(({ key }) => key));
  return keys;
}

/** Deletes objects, however many. */
export async function deleteKeys(bucket: R2Bucket, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += KEYS_A_DELETE) {
    await bucket.delete(keys.slice(start, start + KEYS_A_DELETE));
  }
}
