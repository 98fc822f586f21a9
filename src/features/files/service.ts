/** Who may have which file of a record, in which size, and as what the browser takes it. */

import { AppError, fail } from "../../base/errors.ts";
import { type Caller, isPrivileged, unauthenticated } from "../../core/access.ts";
import type { Context } from "../../core/context.ts";
import type { FileAnswer } from "../../core/operation.ts";
import type { FeatureHost } from "../../core/registry.ts";
import type { Storage, StoredFile } from "../../infra/files/storage.ts";
import { createThumbs, parseThumbSpec, type Thumbs } from "../../infra/files/thumbs.ts";
import { contentDisposition } from "../../tools/content-disposition.ts";
import { listOption } from "../../tools/fields/field.ts";
import { nameOf, toFiles } from "../../tools/fields/list-kinds.ts";
import { downloadType, isInlineType } from "../../tools/mime.ts";
import { Auth, type AuthService } from "../auth/index.ts";
import {
  type Field,
  type Model,
  meetsRule,
  type RecordData,
  Records,
  type RecordsService,
  recordFolder,
  viewFileOrigin,
} from "../records/index.ts";

export interface FileRequest {
  readonly collection: string;
  readonly record: string;
  readonly filename: string;
  readonly thumb?: string;
  readonly download?: string;
  /** Of a protected file's reader; the call's own token does not count. */
  readonly token?: string;
}

/** A stored file under the name that it goes out with. */
interface Served {
  readonly file: StoredFile;
  readonly name: string;
}

/** Of every file; fields may name more. */
const THUMB_ALWAYS = "100x100";
const THUMB_TYPES = new Set(["image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp"]);
/** What the reference takes for true in an address. */
const TRUE = new Set(["1", "t", "T", "true", "True", "TRUE"]);
/** Whatever a file contains, it runs nothing under the server's own name. */
const CSP = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
/** 30 days; names of files are never used again. */
const CACHE_CONTROL = "max-age=2592000, stale-while-revalidate=86400";

export class FilesService {
  readonly #host: FeatureHost;
  readonly #records: RecordsService;
  readonly #auth: AuthService;
  readonly #thumbs: Thumbs = createThumbs();
  /** Thumbs that are being made and stored, by key; as many as `Thumbs` lets in. */
  readonly #making = new Map<string, Promise<boolean>>();

  constructor(host: FeatureHost) {
    this.#host = host;
    this.#records = host.use(Records);
    this.#auth = host.use(Auth);
  }

  /** Error: 404 whatever is missing or not allowed, 503 `storage_unavailable`. */
  async show(context: Context, request: FileRequest): Promise<FileAnswer> {
    const model = this.#records.models.find(request.collection);
    if (!model) throw missing();
    const record = await this.#records.find(context, model.collection.id, request.record);
    const field = record && fieldOf(model, record, request.filename);
    if (!record || !field) throw missing();
    if (field.protected === true && !(await this.#mayView(context, { model, record }, request))) {
      throw missing();
    }
    const folder = await this.#folder(context, { model, record }, { field, ...request });
    const { storage } = this.#records.files;
    const original = await storage.open(folder + request.filename);
    if (!original) throw missing();
    const thumb = await this.#thumb(storage, { folder, field, request, original });
    return answer(thumb ?? { file: original, name: request.filename }, request);
  }

  /** A token with which its bearer reads protected files for a short time. Error: 401. */
  async token(context: Context): Promise<string> {
    const { caller } = context;
    if (caller.kind !== "user" && caller.kind !== "superuser") throw unauthenticated();
    return this.#auth.issueToken(context, caller, { type: "file" });
  }

  async #mayView(
    context: Context,
    { model, record }: { readonly model: Model; readonly record: RecordData },
    { token }: FileRequest,
  ): Promise<boolean> {
    const { ip } = context.caller;
    const known = token ? await this.#auth.authenticate(token, { ip }, "file") : undefined;
    const caller: Caller = known ?? { kind: "guest", ip };
    const rule = model.collection.viewRule;
    if (isPrivileged(caller)) return true;
    if (rule === null) return false;
    const { request } = context;
    const reader = this.#host.context({ caller, ...(request ? { request } : {}) });
    const question = { model, id: record.id, rule, context: "protectedFile" } as const;
    return meetsRule(reader, this.#records.models, question);
  }

  /** Files of a view are those of the record that the view shows them of. */
  async #folder(
    context: Context,
    { model, record }: { readonly model: Model; readonly record: RecordData },
    { field, filename }: { readonly field: Field; readonly filename: string },
  ): Promise<string> {
    if (model.collection.type !== "view") return recordFolder(model, record.id);
    const origin = await viewFileOrigin(context, this.#records.models, { model, field, filename });
    if (!origin) throw missing();
    return recordFolder(origin.model, origin.id);
  }

  /** Undefined: the original is to be sent. */
  async #thumb(
    storage: Storage,
    wanted: {
      readonly folder: string;
      readonly field: Field;
      readonly request: FileRequest;
      readonly original: StoredFile;
    },
  ): Promise<Served | undefined> {
    const { folder, field, request, original } = wanted;
    const { thumb = "", filename } = request;
    if (thumb !== THUMB_ALWAYS && !listOption(field, "thumbs").includes(thumb)) return undefined;
    if (!THUMB_TYPES.has(original.type)) return undefined;
    const name = `${thumb}_${filename}`;
    const key = `${folder}thumbs_${filename}/${name}`;
    const known = await storage.open(key);
    if (known) return { file: known, name };
    const made = await this.#make(storage, { key, thumb, original });
    const file = made ? await storage.open(key) : undefined;
    return file && { file, name };
  }

  /** Whether the thumb is there now; those who ask meanwhile wait for the same one. */
  #make(storage: Storage, thumb: NewThumb): Promise<boolean> {
    let making = this.#making.get(thumb.key);
    if (!making) {
      making = this.#store(storage, thumb).finally(() => this.#making.delete(thumb.key));
      this.#making.set(thumb.key, making);
    }
    return making;
  }

  async #store(storage: Storage, { key, thumb, original }: NewThumb): Promise<boolean> {
    const spec = parseThumbSpec(thumb);
    if (!spec) return false;
    try {
      const source = { key, bytes: original.bytes, load: () => original.read() };
      const made = await this.#thumbs.make(source, spec);
      if (made.kind === "original") return false;
      const content = { kind: "bytes", bytes: made.bytes } as const;
      await storage.put(key, content, { type: made.type, durable: false });
      // The picture may have been removed meanwhile, with the thumbs that were there.
      if (await storage.open(original.key)) return true;
      await storage.delete(key);
      return false;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#host.log.warn("a thumb could not be stored", { key, cause: error });
      return false;
    }
  }
}

interface NewThumb {
  readonly key: string;
  readonly thumb: string;
  readonly original: StoredFile;
}

function fieldOf(model: Model, record: RecordData, filename: string): Field | undefined {
  const fields = model.collection.fields.filter(({ type }) => type === "file");
  return fields.find(({ name }) => toFiles(record[name]).some((file) => nameOf(file) === filename));
}

function answer({ file, name }: Served, { download = "" }: FileRequest): FileAnswer {
  const shown = isInlineType(file.type) && !TRUE.has(download);
  return {
    type: downloadType(name, file.type),
    bytes: file.bytes,
    modifiedAt: file.modifiedAt,
    etag: file.etag,
    headers: {
      "cache-control": CACHE_CONTROL,
      "content-disposition": contentDisposition(shown ? "inline" : "attachment", name),
      "content-security-policy": CSP,
    },
    body: (span) => file.body(span),
  };
}

function missing() {
  return fail.not_found("not_found", "The requested resource wasn't found.");
}
