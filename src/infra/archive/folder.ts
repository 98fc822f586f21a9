/** Folders for work on whole data directories. */

import { mkdir, rm } from "node:fs/promises";

/** Runs `work` in a new folder, which is gone afterwards. */
export async function withFolder<T>(path: string, work: (path: string) => Promise<T>): Promise<T> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  try {
    return await work(path);
  } finally {
    await removeFolder(path);
  }
}

/** With all that is in it. Idempotent. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** Writes what a storage gave into a file, as it comes. */
export async function saveBody(
  path: string,
  body: Blob | ReadableStream<Uint8Array>,
): Promise<void> {
  await Bun.write(path, new Response(body));
}
