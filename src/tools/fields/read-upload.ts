/** From a file of a form to an upload of a record. */

import { storedFileName } from "../file-name.ts";
import { SNIFF_BYTES, sniffMime } from "../mime/sniff.ts";
import type { RandomBelow } from "../random.ts";
import type { Values } from "./field.ts";
import { own, type RecordFields } from "./record-fields.ts";
import { toTexts } from "./scalars.ts";
import { Upload } from "./upload.ts";

/** Reads the file's first bytes; the rest stays where it is. */
export async function readUpload(file: File, random: RandomBelow): Promise<Upload> {
  const head = new Uint8Array(await file.slice(0, SNIFF_BYTES).arrayBuffer());
  const { mime, extension } = sniffMime(head, file.size);
  return new Upload({
    name: storedFileName(file.name, { random, sniffedExtension: extension }),
    originalName: file.name,
    size: file.size,
    mimeType: mime,
    content: file,
  });
}

/**
 * The body with the uploads of its form in it. Files count under the plain, appending and
 * prepending key of a file field; under the plain one they join the names sent there, and replace
 * all others. Files of other keys are dropped. `prefix` is what the keys of one request of a batch
 * begin with.
 */
export async function withUploads(
  fields: RecordFields,
  form: { readonly body: Values; readonly files: ReadonlyMap<string, readonly File[]> },
  options: { readonly random: RandomBelow; readonly prefix?: string },
): Promise<Values> {
  const body = { ...form.body };
  for (const { field } of fields.entries) {
    if (field.type !== "file") continue;
    for (const key of [field.name, `+${field.name}`, `${field.name}+`]) {
      const files = form.files.get(`${options.prefix ?? ""}${key}`) ?? [];
      if (files.length === 0) continue;
      const uploads = await Promise.all(files.map((file) => readUpload(file, options.random)));
      const names = key === field.name ? toTexts(own(body, key)) : [];
      body[key] = [...names, ...uploads];
    }
  }
  return body;
}
