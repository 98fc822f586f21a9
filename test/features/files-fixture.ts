/** A server on a port of its own, the clients' library speaking to it, and a collection with files. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { silentLog } from "../../src/base/log.ts";
import { Records } from "../../src/features/records/index.ts";
import { openAssets } from "../../src/infra/assets/assets.ts";
import { createHttp } from "../../src/server.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

export interface FilesFixture extends AsyncDisposable {
  readonly app: AppFixture;
  readonly url: string;
  /** Signed in as a superuser. */
  readonly admin: PocketBase;
  /** Signed in to nothing. */
  readonly guest: PocketBase;
  client(token: string): PocketBase;
  /** Paths in the storage that exist now, without the descriptions beside the files. */
  stored(): Promise<string[]>;
  /** Temporary files of uploads. */
  uploads(): string[];
}

export const OPEN = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };

export const DOCS = {
  name: "docs",
  type: "base",
  ...OPEN,
  fields: [
    { name: "title", type: "text", max: 20 },
    { name: "meta", type: "json" },
    { name: "one", type: "file", maxSelect: 1, maxSize: 300_000, thumbs: ["0x20", "40x30f"] },
    { name: "many", type: "file", maxSelect: 3, mimeTypes: ["text/plain", "image/png"] },
    { name: "secret", type: "file", maxSelect: 1, protected: true },
  ],
  indexes: ["CREATE UNIQUE INDEX idx_docs_title ON docs (title) WHERE title != ''"],
};

export async function filesFixture(): Promise<FilesFixture> {
  const app = await freshApp({ http: "127.0.0.1:0" });
  const log = silentLog();
  const http = createHttp(app.app, { assets: openAssets(join(app.dir, "assets")), log });
  const { url } = http.listen();
  const client = (token: string) => {
    const pb = new PocketBase(url).autoCancellation(false);
    if (token !== "") pb.authStore.save(token);
    return pb;
  };
  const admin = client(await app.superuser());
  await admin.collections.create(DOCS);
  return {
    app,
    url,
    admin,
    guest: client(""),
    client,
    async stored() {
      await app.app.kernel.registry.service(Records).files.settle();
      return listFiles(join(app.dir, "storage")).filter((path) => !path.endsWith(".attrs"));
    },
    uploads: () => listFiles(join(app.dir, ".pb_temp_to_delete")),
    async [Symbol.asyncDispose]() {
      await http.stop();
      await app[Symbol.asyncDispose]();
    },
  };
}

function listFiles(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

export function textFile(name: string, content = name): File {
  return new File([content], name, { type: "text/plain" });
}

/** A picture of one colour. */
export async function picture(width: number, height: number): Promise<Uint8Array> {
  const dot = Buffer.from("R0lGODlhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=", "base64");
  return new Bun.Image(dot).resize(width, height, { fit: "fill" }).png().bytes();
}

export async function pictureFile(name: string, width = 200, height = 100): Promise<File> {
  return new File([new Uint8Array(await picture(width, height))], name, { type: "image/png" });
}

export async function sizeOf(bytes: ArrayBuffer): Promise<string> {
  const { width, height, format } = await new Bun.Image(new Uint8Array(bytes)).metadata();
  return `${format} ${width}x${height}`;
}
