/** Notifications: what happened that concerns a person, kept until they delete it. */

import type { Feature, ServiceKey } from "../../core/registry.ts";
import { migrations } from "./migrations.ts";
import { noticesOperations } from "./operations.ts";
import { NOTIFICATIONS } from "./schema.ts";
import { NoticesService } from "./service.ts";

export { NOTIFICATIONS_TOPIC } from "./events.ts";
export { NOTIFICATIONS } from "./schema.ts";
export type { Notice, NoticesService } from "./service.ts";

export const Notices: ServiceKey<NoticesService> = { feature: "notices" };

export const notices: Feature = {
  name: "notices",
  needs: ["records", "auth"],
  collections: [NOTIFICATIONS],
  migrations,
  create(host) {
    const service = new NoticesService(host);
    return {
      operations: noticesOperations(service),
      service,
      start: async () => service.start(),
      stop: async () => service.stop(),
    };
  },
};
