/** A file that somebody sent, before it is stored. */

export interface UploadParts {
  /** The name under which it will be stored. */
  readonly name: string;
  readonly originalName: string;
  /** Bytes. */
  readonly size: number;
  /** What the content is, whatever its name or its sender say. */
  readonly mimeType: string;
  readonly content: Blob;
}

/** A class, so that no JSON a client sends can pass for one. */
export class Upload implements UploadParts {
  readonly name: string;
  readonly originalName: string;
  readonly size: number;
  readonly mimeType: string;
  readonly content: Blob;

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
