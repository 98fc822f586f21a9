/** Downloads of the files that records name, and the tokens for those that are protected. */

import type { Feature } from "../../core/registry.ts";
import { fileOperations } from "./operations.ts";
import { FilesService } from "./service.ts";

export const files: Feature = {
  name: "files",
  needs: ["records", "auth"],
  collections: [],
  migrations: [],
  create: (host) => ({ operations: fileOperations(new FilesService(host)) }),
};
