/** From the files of a form to the uploads of a record. */

import { storedFileName } from "../file-name.ts";
import type { RandomBelow } from "../random.ts";
import type { Values } from "./field.ts";
import { own, type RecordFields } from "./record-fields.ts";
import { toTexts } from "./scalars.ts";
import { type SentFile, type SentFiles, Upload } from "./upload.ts";

/** The file under a name that no other has. */
export function readUpload(file: SentFile, random: RandomBelow): Upload {
  return new Upload({
    name: storedFileName(file.filename, { random, sniffedExtension: file.extension }),
    originalName: file.filename,
    size: file.bytes,
    mimeType: file.type,
    content: file.content,
  });
}

export interface Form {
  readonly body: Values;
  readonly files: SentFiles;
  /** The form is one of many in a batch, whose clients know stored names with two random parts. */
  readonly batched?: boolean | undefined;
}

/**
 * The body with the uploads of its form in it. Files count under the plain, appending and
 * prepending key of a file field; under the plain one they join the names sent there, and replace
 * all others. Files of other keys are dropped.
 */
export function withUploads(fields: RecordFields, form: Form, random: RandomBelow): Values {
  if (form.files.size === 0) return form.body;
  const body = { ...form.body };
  const upload = (file: SentFile) => {
    const filename = form.batched ? readUpload(file, random).name : file.filename;
    return readUpload({ ...file, filename }, random);
  };
  for (const { field } of fields.entries) {
    if (field.type !== "file") continue;
    for (const key of [field.name, `+${field.name}`, `${field.name}+`]) {
      const uploads = (form.files.get(key) ?? []).map(upload);
      if (uploads.length === 0) continue;
      const names = key === field.name ? toTexts(own(body, key)) : [];
      body[key] = [...names, ...uploads];
    }
  }
  return body;
}
