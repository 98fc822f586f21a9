/** Accounts: users and superusers, passwords, tokens. */

import type { Ids } from "../../base/ids.ts";
import type { Feature, ServiceKey } from "../../core/registry.ts";
import { collectionsMigration } from "../records/index.ts";
import { authOperations } from "./operations.ts";
import { authCollections } from "./schema.ts";
import { AuthService } from "./service/sign-in.ts";
import { bindSuperusers } from "./service/superusers.ts";

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
      bindSuperusers(host, service);
      return { operations: authOperations(service), service, tokens: [service.tokenScheme] };
    },
  };
}
