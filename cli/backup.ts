import { type Answer, asAnswer, listOf } from "./answers.ts";
import type { Declaration, Invocation } from "./invocation.ts";
import { operate } from "./operator.ts";
import type { Column } from "./output.ts";

export function addBackup({ program, run }: Declaration): void {
  const backup = program.command("backup").description("backups of the data directory");
  backup
    .command("create [name]")
    .description("makes one; a running server goes on meanwhile")
    .addHelpText("after", "\nExample: server backup create before-the-move.zip")
    .action(run(create));
  backup.command("list").description("lists them, newest first").action(run(list));
  backup
    .command("restore <name>")
    .description("puts one in the place of all data; a running server starts anew")
    .action(run(restore));
  backup.command("delete <name>").description("deletes one").action(run(remove));
}

/** Making, checking and unpacking take as long as there is data. */
const LONG = { limitMs: 24 * 3_600_000 } as const;

const COLUMNS: readonly Column<Answer>[] = [
  { title: "name", value: (row) => row.key },
  { title: "bytes", value: (row) => row.size },
  { title: "made", value: (row) => row.modified },
];

async function create(call: Invocation): Promise<undefined> {
  const name = call.args[0];
  const made = await operate(call, LONG, async (operator) => {
    await operator.call("backups.create", name === undefined ? {} : { name });
    const backups = newestFirst(await operator.call("backups.list", {}));
    return backups.find((one) => name === undefined || one.key === name) ?? { key: name };
  });
  call.output.print(made, (output) => output.line(`made ${made.key}`));
}

async function list(call: Invocation): Promise<undefined> {
  const backups = newestFirst(
    await operate(call, {}, (operator) => operator.call("backups.list", {})),
  );
  call.output.print(backups, (output) => output.table(backups, COLUMNS, "There are no backups."));
}

async function restore(call: Invocation): Promise<undefined> {
  const key = call.arg(0);
  await operate(call, LONG, (operator) => operator.call("backups.restore", { key }));
  const told = `${key} takes the place of the data: at once where a server runs, else with its start`;
  call.output.print({ restored: key }, (output) => output.line(told));
}

async function remove(call: Invocation): Promise<undefined> {
  const key = call.arg(0);
  await operate(call, {}, (operator) => operator.call("backups.delete", { key }));
  call.output.print({ deleted: key }, (output) => output.line(`deleted ${key}`));
}

function newestFirst(backups: unknown): Answer[] {
  const rows = listOf({ backups }, "backups").map(asAnswer);
  return rows.sort((a, b) => String(b.modified).localeCompare(String(a.modified)));
}
