import { Type } from "@sinclair/typebox";
import { defineOperation, FileOutput, type Operation } from "../../core/operation.ts";
import type { FilesService } from "./service.ts";

const Name = Type.String({ minLength: 1, maxLength: 255 });
const Text = Type.Optional(Type.String());

export function fileOperations(files: FilesService): Operation[] {
  return [
    defineOperation({
      name: "files.show",
      kind: "read",
      summary: "Sends a record's file, or a thumb of it",
      input: Type.Object({
        collection: Name,
        record: Name,
        filename: Name,
        thumb: Text,
        download: Text,
        token: Text,
      }),
      output: FileOutput,
      answers: "file",
      access: "anyone",
      dialect: "records",
      rateTags: ["file"],
      errors: ["not_found", "storage_unavailable"],
      rest: [{ method: "GET", path: "/api/files/:collection/:record/:filename" }],
      run: (context, input) => files.show(context, input),
    }),
    defineOperation({
      name: "files.token",
      kind: "read",
      summary: "Makes a short-lived token for the addresses of protected files",
      input: Type.Object({}),
      output: Type.Object({ token: Type.String() }),
      access: "signed_in",
      dialect: "records",
      errors: [],
      rest: [{ method: "POST", path: "/api/files/token" }],
      run: async (context) => ({ token: await files.token(context) }),
    }),
  ];
}
