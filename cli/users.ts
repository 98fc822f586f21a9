import type { Command } from "commander";
import { AppError } from "../src/base/errors.ts";
import { type Answer, asAnswer, itemsOf, textOf } from "./answers.ts";
import { usage } from "./failure.ts";
import type { Declaration, Invocation, Work } from "./invocation.ts";
import { find, type Operator, operate } from "./operator.ts";
import type { Column } from "./output.ts";
import { pageOptions, readPage, tellPage } from "./paging.ts";

const USERS = "users";
const SUPERUSERS = "_superusers";

type Run = Declaration["run"];

export function addUsers({ program, run }: Declaration): void {
  const users = program.command("users").description("accounts of users and superusers");
  users.option("--collection <name>", "auth collection", USERS);
  pageOptions(users.command("list").description("lists accounts")).action(run(list));
  users.command("show <id|email>").description("shows an account").action(run(show));
  passwordOption(users.command("create <email> [password]"))
    .description("makes an account")
    .option("--name <name>", "its display name")
    .addHelpText("after", "\nExample: server users create ann@example.com --password-stdin < file")
    .action(run(create));
  users
    .command("delete <id|email>")
    .description("deletes an account and ends its connections")
    .action(run(remove));
  passwordOption(users.command("password <id|email> [new]"))
    .description("sets a password and revokes the account's tokens")
    .action(run(setPassword));
  const superuser = users.command("superuser").description("those who administer the server");
  addSuperuserCommands(superuser, run);
}

/** The spelling that operators know from PocketBase. */
export function addSuperuser({ program, run }: Declaration): void {
  const superuser = program.command("superuser").description("short for users superuser");
  addSuperuserCommands(superuser, run);
}

function addSuperuserCommands(superuser: Command, run: Run): void {
  const ofSuperusers = (work: Work): Work => {
    return (call) => {
      const flags = { ...call.flags, collection: SUPERUSERS };
      return work(call.with(flags));
    };
  };
  pageOptions(superuser.command("list").description("lists superusers")).action(
    run(ofSuperusers(list)),
  );
  passwordOption(superuser.command("create <email> [password]"))
    .description("makes a superuser")
    .action(run(ofSuperusers(create)));
  passwordOption(superuser.command("upsert <email> [password]"))
    .description("makes a superuser, or sets its password")
    .addHelpText("after", "\nExample: server superuser upsert admin@example.com 1234567890")
    .action(run(ofSuperusers(upsert)));
  passwordOption(superuser.command("update <email> [password]"))
    .description("sets a superuser's password and revokes its tokens")
    .action(run(ofSuperusers(setPassword)));
  superuser
    .command("delete <email>")
    .description("deletes a superuser, but not the last one")
    .action(run(ofSuperusers(remove)));
  superuser
    .command("otp <email>")
    .description("makes a one-time password to sign in with")
    .action(run(ofSuperusers(makeOtp)));
}

function passwordOption(command: Command): Command {
  return command.option("--password-stdin", "reads the password from the standard input");
}

const COLUMNS: readonly Column<Answer>[] = ["id", "email", "name", "verified", "created"].map(
  (title) => ({ title, value: (row) => row[title] }),
);

async function list(call: Invocation): Promise<undefined> {
  const { page: number, perPage } = readPage(call);
  // The records API takes paging as the texts of its query.
  const input = {
    collection: collectionOf(call),
    page: String(number),
    perPage: String(perPage),
  };
  const what = `auth collection ${input.collection}`;
  const page = await operate(call, {}, (operator) =>
    find(operator, "records.list", { ...input, what }),
  );
  const columns =
    input.collection === SUPERUSERS ? COLUMNS.filter(({ title }) => title !== "name") : COLUMNS;
  call.output.print(page, (output) => output.table(itemsOf(page), columns, "There are none."));
  tellPage(call, page);
}

async function show(call: Invocation): Promise<undefined> {
  const account = await operate(call, {}, (operator) => lookUp(call, operator));
  call.output.print(account, (output) => output.fields(account));
}

async function create(call: Invocation): Promise<undefined> {
  const password = await readPassword(call, 1);
  const account = await operate(call, { creates: true }, (operator) =>
    createAccount(call, operator, password),
  );
  tell(call, account, "made");
}

async function upsert(call: Invocation): Promise<undefined> {
  const password = await readPassword(call, 1);
  const [account, done] = await operate(call, { creates: true }, async (operator) => {
    const known = await lookUp(call, operator).catch((error: unknown) => {
      if (error instanceof AppError && error.kind === "not_found") return undefined;
      throw error;
    });
    if (!known) return [await createAccount(call, operator, password), "made"] as const;
    return [await changePassword(operator, known, password), "changed"] as const;
  });
  tell(call, account, done);
}

async function setPassword(call: Invocation): Promise<undefined> {
  const password = await readPassword(call, 1);
  const account = await operate(call, {}, async (operator) =>
    changePassword(operator, await lookUp(call, operator), password),
  );
  tell(call, account, "changed");
}

async function remove(call: Invocation): Promise<undefined> {
  const account = await operate(call, {}, async (operator) => {
    const found = await lookUp(call, operator);
    await operator.call("records.delete", targetOf(found));
    return found;
  });
  const { id, email } = account;
  call.output.print({ deleted: { id, email } }, (output) => output.line(`deleted ${id} ${email}`));
}

async function makeOtp(call: Invocation): Promise<undefined> {
  const otp = await operate(call, {}, async (operator) => {
    const target = targetOf(await lookUp(call, operator));
    return asAnswer(await operator.call("auth.makeOtp", target));
  });
  call.output.print(otp, (output) => output.fields(otp));
}

function lookUp(call: Invocation, operator: Operator): Promise<Answer> {
  const [collection, identity] = [collectionOf(call), call.arg(0)];
  const what = `account ${identity} in ${collection}`;
  return find(operator, "auth.lookup", { collection, identity, what });
}

async function createAccount(
  call: Invocation,
  operator: Operator,
  password: string,
): Promise<Answer> {
  const name = call.flag("name");
  const body = {
    email: call.arg(0),
    password,
    passwordConfirm: password,
    ...(name === undefined ? {} : { name }),
  };
  const input = { collection: collectionOf(call), body };
  return asAnswer(await operator.call("records.create", input));
}

async function changePassword(
  operator: Operator,
  account: Answer,
  password: string,
): Promise<Answer> {
  const body = { password, passwordConfirm: password };
  return asAnswer(await operator.call("records.update", { ...targetOf(account), body }));
}

function targetOf(account: Answer): { readonly collection: string; readonly id: string } {
  return { collection: textOf(account, "collectionName"), id: textOf(account, "id") };
}

function collectionOf(call: Invocation): string {
  return call.flag("collection") ?? USERS;
}

/** The argument, or the standard input without its last line break. Error: usage. */
async function readPassword(call: Invocation, index: number): Promise<string> {
  const given = call.args[index];
  const fromInput = call.flags.passwordStdin === true;
  if ((given === undefined) !== fromInput) {
    throw usage("Give the password as an argument or by --password-stdin, one of the two.");
  }
  return given ?? (await call.terminal.stdin.readAll()).replace(/\r?\n$/, "");
}

function tell(call: Invocation, account: Answer, done: string): void {
  call.output.print(account, (output) => output.line(`${done} ${account.id} ${account.email}`));
}
