import { join } from "node:path";
import type { Data } from "../src/app.ts";
import { fail } from "../src/base/errors.ts";
import type { MigrationStatus } from "../src/infra/db/migrations.ts";
import { usage } from "./failure.ts";
import type { Declaration, Invocation } from "./invocation.ts";
import { requireData } from "./operator.ts";
import type { Column } from "./output.ts";
import { findServer } from "./running.ts";
import { nearName } from "./settings.ts";

export function addMigrate({ program, run }: Declaration): void {
  const migrate = program
    .command("migrate")
    .description("changes of the data directory's tables; a starting server applies them itself");
  migrate.command("up").description("applies all pending migrations").action(run(up));
  migrate
    .command("down [n]")
    .description("takes the last n migrations back (1), with the data of their tables")
    .option("--yes", "does not ask")
    .action(run(down));
  migrate.command("status").description("lists all migrations").action(run(status));
  migrate
    .command("create <name>")
    .description("writes an empty migration into the migrations directory")
    .addHelpText("after", "\nExample: server migrate create add_city_to_users")
    .action(run(create));
}

async function up(call: Invocation): Promise<undefined> {
  const applied = await withData(call, { creates: true }, async (data) => {
    const { migrateUp, pendingMigrations } = await import("../src/infra/db/migrations.ts");
    const pending = await pendingMigrations(data.db, data.migrations);
    // Nothing to do harms nobody; anything else would pull the tables from under a server.
    if (pending.length > 0) await refuseRunning(call);
    const { clock, log } = call.parts(await call.config());
    return migrateUp(data.db, data.migrations, { clock, log, dormant: data.dormant });
  });
  call.output.print({ applied }, (output) => {
    for (const name of applied) output.line(`applied ${name}`);
    if (applied.length === 0) output.line("There is nothing to apply.");
  });
}

async function down(call: Invocation): Promise<undefined> {
  const given = call.args[0] ?? "1";
  const count = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (count < 1) throw usage("migrate down takes how many migrations to take back, 1 or more.");
  await refuseRunning(call);
  const reverted = await withData(call, {}, async (data) => {
    const { migrateDown } = await import("../src/infra/db/migrations.ts");
    await confirm(call, data, count);
    const { clock, log } = call.parts(await call.config());
    return migrateDown(data.db, data.migrations, { clock, log, dormant: data.dormant, count });
  });
  call.output.print({ reverted }, (output) => {
    for (const name of reverted) output.line(`took back ${name}`);
    if (reverted.length === 0) output.line("There is nothing to take back.");
  });
}

/** Errors: usage where nobody can be asked, 409 `not_confirmed`. */
async function confirm(call: Invocation, data: Data, count: number): Promise<void> {
  if (call.flags.yes === true) return;
  const { stdin, stderr } = call.terminal;
  if (!stdin.isTerminal || !stderr.isTerminal) {
    throw usage("Taking migrations back loses data: add --yes where nobody can be asked.");
  }
  const last = (await readStatus(data)).filter(({ appliedAt, known }) => known && appliedAt);
  const names = last.slice(-count).map(({ name }) => name);
  if (names.length === 0) return;
  const answer = await stdin.ask(
    `This takes back ${names.reverse().join(", ")} and loses the data of their tables. Go on? [y/N] `,
  );
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw fail.conflict("not_confirmed", "Nothing was changed.");
  }
}

const COLUMNS: readonly Column<MigrationStatus>[] = [
  { title: "migration", value: ({ name }) => name },
  { title: "applied", value: ({ appliedAt }) => (appliedAt === null ? "pending" : iso(appliedAt)) },
  { title: "known", value: ({ known }) => known },
];

async function status(call: Invocation): Promise<undefined> {
  const rows = await withData(call, {}, readStatus);
  const json = rows.map(({ name, appliedAt, known }) => ({
    name,
    applied: appliedAt === null ? null : iso(appliedAt),
    known,
  }));
  call.output.print(json, (output) => output.table(rows, COLUMNS, "There are no migrations."));
}

async function readStatus(data: Data): Promise<MigrationStatus[]> {
  const { migrationStatus } = await import("../src/infra/db/migrations.ts");
  return migrationStatus(data.db, data.migrations, data.dormant);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

async function withData<T>(
  call: Invocation,
  options: { readonly creates?: true },
  work: (data: Data) => Promise<T>,
): Promise<T> {
  const { DATABASE_FILE, knownFeatures, openData } = await import("../src/app.ts");
  const loaded = await call.config();
  const { config } = loaded;
  if (!options.creates) await requireData(config.server.dir, DATABASE_FILE);
  const parts = call.parts(loaded);
  const data = await openData(config, knownFeatures(config, parts), parts);
  try {
    return await work(data);
  } finally {
    await data.db.close();
  }
}

async function refuseRunning(call: Invocation): Promise<void> {
  const { dir } = (await call.config()).config.server;
  const server = await findServer(dir);
  if (!server) return;
  const message = `A server runs on ${dir} (process ${server.pid}, at ${server.url}): stop it first.`;
  throw fail.conflict("server_running", message);
}

async function create(call: Invocation): Promise<undefined> {
  const name = call.arg(0);
  if (!/^\w{1,100}$/.test(name)) {
    throw usage("A migration's name is made of letters, digits and _, at most 100.");
  }
  const { migrationsDir } = (await call.config()).config.server;
  const seconds = Math.floor(call.clock.now() / 1000);
  const path = join(migrationsDir, `${seconds}_${name}.ts`);
  const { createFile } = await import("../src/infra/machine/disk.ts");
  createFile(path, TEMPLATE);
  call.output.print({ path }, (output) => output.line(`made ${nearName(call.terminal, path)}`));
}

const TEMPLATE = `/**
 * A change of the data directory. Migrations are applied once each, in the order of their file
 * names, all pending ones in one transaction: when one throws, nothing is changed.
 *
 * The first function applies the change, the second takes it back. Without the second one the
 * migration cannot be taken back. Write everything through \`app\`: it is inside the transaction.
 */
migrate(
  (app) => {
    // app.db().newQuery("UPDATE users SET name = '' WHERE name IS NULL").execute();
  },
  (app) => {
    // What undoes the first function.
  },
);
`;
