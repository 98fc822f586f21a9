/** The calls of memberships and notifications, as they reach the server, and what they answer. */

import { expect, test } from "bun:test";
import { ApiClient, ApiError, memoryTokens } from "../../src/client/api.ts";
import { MembersClient, mayModerate, NotificationsClient } from "../../src/client/members.ts";

const MEMBER = { member_id: "m1", user_id: "u1", name: "Ada", role: "admin", status: "active" };
const ROOM = { room_id: "r 1", room_type: "data", join_type: "require_approval" };
const page = (item: object) => ({ items: [item], page: 1, perPage: 30, totalItems: 1 });

function clients(answer: unknown, status = 200) {
  const calls: string[] = [];
  const environment = {
    after: () => () => undefined,
    random: () => 0,
    fetch: async (url: string, init: RequestInit) => {
      calls.push([init.method, url.slice(8), init.body].filter(Boolean).join(" "));
      return Response.json(answer, { status });
    },
  };
  const api = new ApiClient("http://x", memoryTokens("t"), environment);
  return { calls, api, members: new MembersClient(api), notices: new NotificationsClient(api) };
}

type Clients = ReturnType<typeof clients>;

const rows: [call: string, run: (c: Clients) => Promise<unknown>, answer: object, out: unknown][] =
  [
    [
      "POST /api/rooms/r%201/join-request",
      ({ members }) => members.requestJoin("r 1"),
      { member_id: "m1", status: "pending" },
      { memberId: "m1", status: "pending" },
    ],
    [
      "GET /api/rooms/r/members?status=pending&page=2",
      ({ members }) => members.list("r", { status: "pending", page: 2 }),
      page(MEMBER),
      { items: [{ memberId: "m1", userId: "u1", name: "Ada", role: "admin", status: "active" }] },
    ],
    [
      "GET /api/user/rooms?status=active&page=1",
      ({ members }) => members.mine(),
      page({ ...ROOM, membership: MEMBER }),
      { items: [{ id: "r 1", joinType: "require_approval", membership: { role: "admin" } }] },
    ],
    ...(["approve", "reject", "ban", "promote", "demote"] as const).map(
      (act): (typeof rows)[number] => [
        `POST /api/room-members/m1/${act}`,
        ({ members }) => members[act]("m1"),
        { ...MEMBER, role: "emperor", status: "unheard" },
        // What a newer server says gives no right.
        { memberId: "m1", role: "participant", status: "pending" },
      ],
    ),
    [
      'POST /api/rooms/r/transfer-ownership {"new_owner_id":"u2"}',
      ({ members }) => members.transferOwnership("r", "u2"),
      { ...ROOM, owner: "u2" },
      { owner: "u2" },
    ],
    [
      'PATCH /api/rooms/r/settings {"is_public":false,"max_participants":3,"join_type":"free"}',
      ({ members }) =>
        members.configure("r", { isPublic: false, maxParticipants: 3, joinType: "free" }),
      ROOM,
      { id: "r 1", membership: undefined },
    ],
    ["POST /api/rooms/r/leave", ({ members }) => members.leave("r"), { success: true }, undefined],
    [
      "GET /api/notifications?unread=true&page=1",
      ({ notices }) => notices.list({ unread: true }),
      page({ notification_id: "n1", type: "room_banned", data: { room_id: "r" }, read_at: "" }),
      { items: [{ id: "n1", type: "room_banned", data: { room_id: "r" }, isRead: false }] },
    ],
    [
      'POST /api/notifications/read {"ids":["n1"]}',
      ({ notices }) => notices.markRead(["n1"]),
      { read: 1 },
      undefined,
    ],
    ["DELETE /api/notifications/n1", ({ notices }) => notices.delete("n1"), {}, undefined],
    [
      'PATCH /api/rooms/r/participants/p {"audio":false}',
      ({ api }) => api.setMuted({ roomId: "r", participantId: "p" }, { audio: false }),
      {},
      undefined,
    ],
    [
      "DELETE /api/rooms/r/participants/p",
      ({ api }) => api.kick({ roomId: "r", participantId: "p" }),
      {},
      undefined,
    ],
    [
      'POST /api/rooms/r/broadcast-location {"location":{"point":{"lat":1,"lng":2}}}',
      ({ api }) => api.broadcastLocation("r", { point: { lat: 1, lng: 2 } }),
      {},
      undefined,
    ],
  ];
test.each(rows)("%s", async (call, run, answer, out) => {
  const made = clients(answer);
  const result = await run(made);
  if (out === undefined) expect(result).toBeUndefined();
  else expect(result).toMatchObject(out as object);
  expect(made.calls).toEqual([call]);
});

test("a refusal is an ApiError with the server's code", async () => {
  const { members } = clients({ status: 403, code: "banned", message: "No.", data: {} }, 403);
  const error = await members.requestJoin("r").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 403, code: "banned" });
});

test("the owner moderates everybody, admins participants, others nobody", () => {
  const roles = ["owner", "admin", "participant"] as const;
  const table = [...roles, undefined].map((own) => roles.map((other) => mayModerate(own, other)));
  expect(table).toEqual([
    [true, true, true],
    [false, false, true],
    [false, false, false],
    [false, false, false],
  ]);
});
