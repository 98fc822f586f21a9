/** Accounts: users and superusers, passwords, tokens. */

import type { Ids } from "../../base/ids.ts";
import type { Feature, ServiceKey } from "../../core/registry.ts";
import { collectionsMigration } from "../records/index.ts";
import { authOperations } from "./operations.ts";
import { authCollections } from "./schema.ts";
import { AccountsService } from "./service/accounts.ts";
import { AuthService } from "./service/sign-in.ts";

export { SUPERUSERS, USERS, USERS_ID } from "./schema.ts";
export { OPERATOR_PREFIX, operatorScheme } from "./service/operator.ts";
export type { AuthService } from "./service/sign-in.ts";

export const Auth: ServiceKey<AuthService> = { feature: "auth" };

export interface AuthOptions {
  /** For the signing secrets of a new data directory. */
  readonly ids: Ids;
  readonly signInPerMinute: number;
}

export function auth(options: AuthOptions): Feature {
  return {
    name: "auth",
    needs: ["records"],
    collections: [],
    migrations: [collectionsMigration("parvis/0002_auth", () => authCollections(options.ids))],
    create(host) {
      const service = new AuthService(host, options);
      const operations = authOperations(service, new AccountsService(host, service));
      return { operations, service, tokens: [service.tokenScheme] };
    },
  };
}
