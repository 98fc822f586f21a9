/** Files that somebody sent, before they are stored. */

/** Content in memory, or in a file of which whoever stores it may take possession. */
export type UploadContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly path: string; readonly md5?: Uint8Array };

/** A file of a form. */
export interface SentFile {
  /** As sent, without folders; empty where it had none. */
  readonly filename: string;
  readonly bytes: number;
  /** Told from the content; what the sender states does not count. */
  readonly type: string;
  /** Usual for the type, with its dot; may be empty. */
  readonly extension: string;
  readonly content: UploadContent;
}

/** The files of a form by key, in the order they came. */
export type SentFiles = ReadonlyMap<string, readonly SentFile[]>;

export interface UploadParts {
  /** The name under which it will be stored. */
  readonly name: string;
  readonly originalName: string;
  /** Bytes. */
  readonly size: number;
  /** What the content is, whatever its name or its sender say. */
  readonly mimeType: string;
  readonly content: UploadContent;
}

/** A class, so that no JSON a client sends can pass for one. */
export class Upload implements UploadParts {
  readonly name: string;
  readonly originalName: string;
  readonly size: number;
  readonly mimeType: string;
  readonly content: UploadContent;

  constructor(parts: UploadParts) {
    this.name = parts.name;
    this.originalName = parts.originalName;
    this.size = parts.size;
    this.mimeType = parts.mimeType;
    this.content = parts.content;
  }

  /** A record with an upload in it prints the name that its file will have. */
  toJSON(): string {
    return this.name;
  }
}
