import { Type } from "@sinclair/typebox";
import { fail } from "../../../base/errors.ts";
import { defineOperation, FileOutput, type Operation } from "../../../core/operation.ts";
import { contentDisposition } from "../../../tools/content-disposition.ts";
import type { AuthService } from "../../auth/index.ts";
import type { Backups } from "../service/backups.ts";
import { readForm } from "../service/forms.ts";

const Key = Type.String({ minLength: 1, maxLength: 1_024 });

const common = { access: "superuser", dialect: "records" } as const;
const ROUTE = "/api/backups";

export interface BackupOperationParts {
  readonly backups: Backups;
  /** Who stands behind a file token. */
  readonly authenticate: AuthService["authenticate"];
}

/** Backups of the data directory; superusers only. */
export function backupOperations(parts: BackupOperationParts): Operation[] {
  return [...making(parts.backups), ...keeping(parts)];
}

function making(backups: Backups): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "backups.create",
      kind: "write",
      summary: "Makes a backup and waits for it",
      input: Type.Object({ name: Type.Optional(Type.Unknown()) }),
      output: Type.Void(),
      errors: ["backup_running", "validation_failed", "backup_failed"],
      rest: [{ method: "POST", path: ROUTE, status: 204 }],
      async run(_context, input) {
        await backups.create(readForm(input, { name: "" }).name);
      },
    }),
    defineOperation({
      ...common,
      name: "backups.upload",
      kind: "write",
      summary: "Takes a backup that is sent as the form's `file`",
      input: Type.Object({ body: Type.Optional(Type.Unknown()) }),
      output: Type.Void(),
      errors: ["validation_failed"],
      bodyField: "body",
      bodyBytesMax: Number.MAX_SAFE_INTEGER,
      rest: [{ method: "POST", path: `${ROUTE}/upload`, status: 204 }],
      run: (context) => backups.upload(context.request?.files?.get("file")?.[0]),
    }),
    defineOperation({
      ...common,
      name: "backups.restore",
      kind: "write",
      summary: "Puts a backup in the place of all data; the server starts anew",
      input: Type.Object({ key: Key }),
      output: Type.Void(),
      errors: ["backup_running", "backup_missing", "invalid_backup", "restart_impossible"],
      rest: [{ method: "POST", path: `${ROUTE}/:key/restore`, status: 204 }],
      run: (context, { key }) => backups.restore(context, key),
    }),
  ];
}

function keeping({ backups, authenticate }: BackupOperationParts): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "backups.list",
      kind: "read",
      summary: "Lists the backups",
      input: Type.Object({}),
      output: Type.Array(
        Type.Object({ modified: Type.String(), key: Type.String(), size: Type.Integer() }),
      ),
      errors: [],
      rest: [{ method: "GET", path: ROUTE }],
      run: () => backups.list(),
    }),
    defineOperation({
      ...common,
      name: "backups.download",
      kind: "read",
      summary: "Sends a backup to who has a superuser's file token",
      // The token of the header does not count: a browser follows the link without it.
      access: "anyone",
      input: Type.Object({ key: Key, token: Type.Optional(Type.String()) }),
      output: FileOutput,
      answers: "file",
      errors: ["forbidden", "not_found"],
      rest: [{ method: "GET", path: `${ROUTE}/:key` }],
      async run({ caller }, { key, token = "" }) {
        const bearer = await authenticate(token, { ip: caller.ip }, "file");
        if (bearer?.kind !== "superuser") {
          throw fail.forbidden("forbidden", "Only superusers may do this.");
        }
        const { type, bytes, modifiedAt, etag, body } = await backups.open(key);
        return { type, bytes, modifiedAt, etag, body, headers: downloadHeaders(key) };
      },
    }),
    defineOperation({
      ...common,
      name: "backups.delete",
      kind: "write",
      summary: "Deletes a backup",
      input: Type.Object({ key: Key }),
      output: Type.Void(),
      errors: ["backup_running", "backup_missing"],
      rest: [{ method: "DELETE", path: `${ROUTE}/:key`, status: 204 }],
      run: (_context, { key }) => backups.delete(key),
    }),
  ];
}

function downloadHeaders(key: string): Readonly<Record<string, string>> {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return {
    "content-disposition": contentDisposition("attachment", name),
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "no-store",
  };
}
