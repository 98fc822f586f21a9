/** The platform about itself: settings, log, cron jobs, backups, and its eye on all requests. */

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Feature, FeatureHost, ServiceKey } from "../../core/registry.ts";
import type { Traffic } from "../../core/traffic.ts";
import { confirmSwap } from "../../infra/archive/swap.ts";
import { openSideDatabase } from "../../infra/db/side.ts";
import { Auth } from "../auth/index.ts";
import { Records, type Settings } from "../records/index.ts";
import { backupOperations } from "./operations/backups.ts";
import { cronOperations } from "./operations/crons.ts";
import { logOperations } from "./operations/logs.ts";
import { settingsOperations } from "./operations/settings.ts";
import { Backups, LEFTOVERS } from "./service/backups.ts";
import { trustedAddress } from "./service/client-address.ts";
import { addJobs, LOGS_CLEANUP } from "./service/jobs.ts";
import { LogBook } from "./service/log-book.ts";
import { logRequest } from "./service/request-log.ts";
import { SettingsService } from "./service/settings-service.ts";
import { sendTestMail } from "./service/test-mail-samples.ts";
import { TestMails } from "./service/test-mails.ts";
import { LOGS_SCHEMA } from "./store/logs.ts";

export interface PlatformOptions {
  /** The data directory. */
  readonly dir: string;
  /** Ends this process and starts it anew; absent where nothing is served. */
  readonly restart: (() => void) | undefined;
  readonly logBytesMax: number;
}

/** What features above ask of it. */
export interface PlatformService {
  readonly backups: Backups;
  readonly logs: LogBook;
  readonly settings: () => Settings;
}

export const Platform: ServiceKey<PlatformService> = { feature: "platform" };

const LOG_FILE = "auxiliary.db";

export function platform(options: PlatformOptions): Feature {
  return {
    name: "platform",
    needs: ["records", "auth"],
    collections: [],
    migrations: [],
    create: (host) => create(host, options),
  };
}

function create(host: FeatureHost, options: PlatformOptions) {
  const { clock, ids, log } = host;
  const records = host.use(Records);
  const auth = host.use(Auth);
  const { settings, scheduler } = records;
  const path = join(options.dir, LOG_FILE);
  const database = openSideDatabase({ path, clock, schema: LOGS_SCHEMA });
  const logs = new LogBook({ database, clock, ids, log, settings, bytesMax: options.logBytesMax });
  const backups = new Backups({ ...options, clock, ids, log, settings });
  const mails = new TestMails(records, (context, mail) => sendTestMail(auth, context, mail));
  addJobs({ host, records, logs, backups });
  const traffic: Traffic = {
    get isFlooded() {
      return logs.isFlooded;
    },
    addressOf: (headers) => trustedAddress(headers, settings.current.trustedProxy),
    admit: ({ request, pathname: path, params, rateTags }, caller) => {
      const { method } = request;
      const { collection } = params;
      const counted = { method, path, collection, tags: rateTags };
      records.rateRules.admit(counted, caller);
    },
    depart: (arrival, departure) => logRequest(logs, settings.current.logs, { arrival, departure }),
  };
  const service: PlatformService = { backups, logs, settings: () => settings.current };
  return {
    operations: [
      ...settingsOperations({ settings: new SettingsService(settings), mails }),
      ...logOperations(logs),
      ...cronOperations(scheduler),
      ...backupOperations({
        backups,
        authenticate: (token, origin, type) => auth.authenticate(token, origin, type),
      }),
    ],
    service,
    traffic,
    serve() {
      scheduler.start();
      settings.onChange((now, before) => {
        if (!isDeepStrictEqual(now.logs, before.logs)) scheduler.run(LOGS_CLEANUP);
      });
      void confirmSwap(options.dir, LEFTOVERS).catch((cause: unknown) =>
        log.warn("what a restore left behind could not be removed", { cause }),
      );
    },
    stop: () => logs.close(),
  };
}
