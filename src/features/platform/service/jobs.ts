/** What the server does by the clock of its own accord. */

import type { FeatureHost } from "../../../core/registry.ts";
import type { RecordsService } from "../../records/index.ts";
import { optimizeDatabase } from "../store/upkeep.ts";
import type { Backups } from "./backups.ts";
import type { LogBook } from "./log-book.ts";

export const LOGS_CLEANUP = "__pbLogsCleanup__";
const AUTO_BACKUP = "__pbAutoBackup__";

export interface JobParts {
  readonly host: Pick<FeatureHost, "db">;
  readonly records: RecordsService;
  readonly logs: LogBook;
  readonly backups: Backups;
}

/** Jobs of sign-in (`__pbMFACleanup__`, `__pbOTPCleanup__`) are the accounts' own. */
export function addJobs({ host, records, logs, backups }: JobParts): void {
  const { scheduler, settings } = records;
  scheduler.add({ id: LOGS_CLEANUP, expression: "0 */6 * * *", run: () => logs.prune() });
  scheduler.add({
    id: "__pbDBOptimize__",
    expression: "0 0 * * *",
    run: () => optimizeDatabase(host.db),
  });
  const plan = () => {
    const { cron } = settings.current.backups;
    if (cron === "") scheduler.remove(AUTO_BACKUP);
    else {
      const run = () => backups.createScheduled();
      scheduler.add({ id: AUTO_BACKUP, expression: cron, run });
    }
  };
  settings.onChange(plan);
  plan();
}
