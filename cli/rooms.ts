import { fail } from "../src/base/errors.ts";
import { type Answer, asAnswer, itemsOf, listOf, textOf } from "./answers.ts";
import { EXIT } from "./failure.ts";
import type { Declaration, Invocation } from "./invocation.ts";
import { find, type Operator, operate } from "./operator.ts";
import type { Column } from "./output.ts";
import { pageOptions, readPage, tellPage } from "./paging.ts";

export function addRooms({ program, run }: Declaration): void {
  const rooms = program.command("rooms").description("rooms, and who is in them");
  pageOptions(rooms.command("list").description("lists rooms, newest first")).action(run(list));
  rooms.command("show <id>").description("shows a room").action(run(show));
  rooms
    .command("create <name>")
    .description("makes a room that nobody owns")
    .option("--type <type>", "audio, video or data", "video")
    .option("--private", "for members only, and not listed")
    .addHelpText("after", "\nExample: server rooms create 'Monday meeting' --type audio")
    .action(run(create));
  rooms
    .command("close <id>")
    .description("closes a room for everyone in it; it stays on record")
    .action(run(close));
  pageOptions(rooms.command("members <id>"))
    .description("lists who belongs to a room")
    .option("--status <status>", "active, pending, rejected, banned, expired or all", "active")
    .action(run(members));
  rooms
    .command("ban <id> <user>")
    .description("shuts a member (id or email of the user) out of a room")
    .action(run(ban));
  rooms
    .command("stats <id>")
    .description("counts what goes on in a room now (needs a running server)")
    .action(run(stats));
  pageOptions(rooms.command("participants <id>"))
    .description("lists who is in a room now (needs a running server)")
    .action(run(participants));
  rooms
    .command("kick <id> <user>")
    .description("removes a user (id or email) or one participant (needs a running server)")
    .action(run(kick));
  rooms
    .command("check")
    .description("asks every media port whether it answers (needs a running server)")
    .action(run(check));
}

const ROOM_COLUMNS: readonly Column<Answer>[] = [
  { title: "id", value: (room) => room.room_id },
  { title: "name", value: (room) => room.name },
  { title: "type", value: (room) => room.room_type },
  { title: "inside", value: (room) => room.participants },
  { title: "public", value: (room) => room.is_public },
  { title: "active", value: (room) => room.is_active },
  { title: "created", value: (room) => room.created },
];

async function list(call: Invocation): Promise<undefined> {
  const input = readPage(call);
  const page = await operate(call, {}, async (operator) =>
    asAnswer(await operator.call("rooms.list", input)),
  );
  call.output.print(page, (output) =>
    output.table(itemsOf(page), ROOM_COLUMNS, "There are no rooms."),
  );
  tellPage(call, page);
}

async function show(call: Invocation): Promise<undefined> {
  const room = await operate(call, {}, (operator) => find(operator, "rooms.view", theRoom(call)));
  call.output.print(room, (output) => output.fields(room));
}

async function create(call: Invocation): Promise<undefined> {
  const input = {
    name: call.arg(0),
    room_type: call.flag("type"),
    is_public: call.flags.private !== true,
  };
  const room = await operate(call, { creates: true }, async (operator) =>
    asAnswer(await operator.call("rooms.create", input)),
  );
  call.output.print(room, (output) => output.line(`made ${room.room_id} ${room.name}`));
}

async function close(call: Invocation): Promise<undefined> {
  const id = call.arg(0);
  await operate(call, {}, (operator) => find(operator, "rooms.close", theRoom(call)));
  call.output.print({ closed: id }, (output) => output.line(`closed ${id}`));
}

const MEMBER_COLUMNS: readonly Column<Answer>[] = [
  { title: "member", value: (one) => one.member_id },
  { title: "user", value: (one) => one.user_id },
  { title: "name", value: (one) => one.name },
  { title: "role", value: (one) => one.role },
  { title: "status", value: (one) => one.status },
  { title: "joined", value: (one) => one.joined_at },
  { title: "expires", value: (one) => one.expires_at },
];

async function members(call: Invocation): Promise<undefined> {
  const input = { ...theRoom(call), ...readPage(call), status: call.flag("status") };
  const page = await operate(call, {}, (operator) => find(operator, "rooms.members", input));
  call.output.print(page, (output) =>
    output.table(itemsOf(page), MEMBER_COLUMNS, "The room has no such members."),
  );
  tellPage(call, page);
}

async function ban(call: Invocation): Promise<undefined> {
  const who = call.arg(1);
  const banned = await operate(call, {}, async (operator) => {
    const userId = who.includes("@") ? await userIdOf(operator, who) : who;
    const input = { ...theRoom(call), status: "all", user_id: userId };
    const [member] = itemsOf(await find(operator, "rooms.members", input));
    if (!member) {
      throw fail.not_found("not_found", `${who} does not belong to the room ${call.arg(0)}.`);
    }
    const memberId = textOf(member, "member_id");
    return asAnswer(await operator.call("roomMembers.ban", { member_id: memberId }));
  });
  call.output.print(banned, (output) => output.line(`banned ${who}`));
}

async function stats(call: Invocation): Promise<undefined> {
  const counts = await operate(call, { live: true }, (operator) =>
    find(operator, "rooms.stats", theRoom(call)),
  );
  call.output.print(counts, (output) => output.fields(counts));
}

const PARTICIPANT_COLUMNS: readonly Column<Answer>[] = [
  { title: "participant", value: (one) => one.participant_id },
  { title: "user", value: (one) => one.user_id },
  { title: "name", value: (one) => one.name },
  { title: "role", value: (one) => one.role },
  { title: "sends", value: (one) => (Array.isArray(one.sources) ? one.sources.join(" ") : "") },
  { title: "joined", value: (one) => one.joined_at },
];

async function participants(call: Invocation): Promise<undefined> {
  const input = { ...theRoom(call), ...readPage(call) };
  const page = await operate(call, { live: true }, (operator) =>
    find(operator, "rooms.participants", input),
  );
  call.output.print(page, (output) =>
    output.table(itemsOf(page), PARTICIPANT_COLUMNS, "Nobody is in the room."),
  );
  tellPage(call, page);
}

async function kick(call: Invocation): Promise<undefined> {
  const [roomId, who] = [call.arg(0), call.arg(1)];
  const kicked = await operate(call, { live: true }, async (operator) => {
    const userId = who.includes("@") ? await userIdOf(operator, who) : who;
    const ids = (await everyoneIn(operator, roomId))
      .filter((one) => one.user_id === userId || one.participant_id === who)
      .map((one) => textOf(one, "participant_id"));
    if (ids.length === 0) {
      throw fail.not_found("not_found", `${who} is not in the room ${roomId}.`);
    }
    for (const id of ids) {
      await operator.call("rooms.hangUp", { room_id: roomId, participant_id: id });
    }
    return ids;
  });
  call.output.print({ kicked }, (output) => {
    for (const id of kicked) output.line(`kicked ${id}`);
  });
}

async function userIdOf(operator: Operator, email: string): Promise<string> {
  const input = { collection: "users", identity: email, what: `user ${email}` };
  return textOf(await find(operator, "auth.lookup", input), "id");
}

function theRoom(call: Invocation) {
  return { room_id: call.arg(0), what: `room ${call.arg(0)}` };
}

/** Page by page: a room holds more people than an answer. */
async function everyoneIn(operator: Operator, roomId: string): Promise<Answer[]> {
  const everyone: Answer[] = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const input = { room_id: roomId, page, perPage: 500, what: `room ${roomId}` };
    const answer = await find(operator, "rooms.participants", input);
    everyone.push(...itemsOf(answer));
    pages = Number(answer.totalPages) || 1;
  }
  return everyone;
}

const CANDIDATE_COLUMNS: readonly Column<Answer>[] = [
  { title: "", value: (one) => (one.ok === true ? "ok" : "FAILED") },
  { title: "address", value: (one) => one.address },
  { title: "port", value: (one) => one.port },
  { title: "protocol", value: (one) => one.protocol },
  { title: "ms", value: (one) => (one.ok === true ? Math.round(Number(one.rtt_ms)) : "") },
  { title: "reason", value: (one) => one.reason },
];

/** Fails when a port that clients are told does not answer. */
async function check(call: Invocation): Promise<number> {
  const state = await operate(call, { live: true }, async (operator) =>
    asAnswer(await operator.call("rooms.check", {})),
  );
  const candidates = listOf(state, "candidates");
  call.output.print(state, (output) =>
    output.table(candidates, CANDIDATE_COLUMNS, "This server carries no media."),
  );
  return candidates.every(({ ok }) => ok === true) ? EXIT.ok : EXIT.failed;
}
