/** What holds for superusers whoever writes: the installer goes with the first, the last one stays. */

import { fail } from "../../../base/errors.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import { type RecordEvent, Records } from "../../records/index.ts";
import { INSTALLER_EMAIL, SUPERUSERS } from "../schema.ts";
import type { AuthService } from "./sign-in.ts";

export function bindSuperusers(host: FeatureHost, auth: AuthService): void {
  const records = host.use(Records);
  host.hooks.bind<RecordEvent>(`record.create:${SUPERUSERS}`, async ({ context, record }, next) => {
    await next();
    if (record.email === INSTALLER_EMAIL) return;
    const installer = await auth.findByEmail(context, SUPERUSERS, INSTALLER_EMAIL);
    if (installer) await records.delete(context, SUPERUSERS, installer.id);
  });
  host.hooks.bind<RecordEvent>(`record.delete:${SUPERUSERS}`, async ({ context }, next) => {
    await next();
    if (await auth.hasSuperuser(context)) return;
    throw fail.invalid("last_superuser", "The last superuser cannot be deleted.");
  });
}
