/**
 * Who is in the room and whose picture or sound arrives in which section: a value that events turn
 * into the next value, with the list of what changed.
 */

import {
  asList,
  asObject,
  asRole,
  asSource,
  asText,
  type Json,
  type ParticipantInfo,
  type RoomEvent,
  readParticipant,
  type Source,
} from "./shapes.ts";

export interface Participant extends ParticipantInfo {
  /** What the participant sends or is ready to send, as far as the server told. */
  readonly sources: ReadonlySet<Source>;
}

/** A section (`mid`) of the peer connection that shows a source of a participant. */
export interface Showing {
  readonly mid: string;
  readonly participantId: string;
  readonly source: Source;
}

export interface Roster {
  readonly participants: ReadonlyMap<string, Participant>;
  readonly showing: ReadonlyMap<string, Showing>;
}

export type RosterChange =
  | { readonly kind: "joined" | "changed"; readonly participant: Participant }
  | { readonly kind: "left"; readonly participant: Participant; readonly reason: string }
  | { readonly kind: "shown" | "hidden"; readonly showing: Showing };

export interface RosterStep {
  readonly roster: Roster;
  readonly changes: readonly RosterChange[];
}

export const EMPTY_ROSTER: Roster = { participants: new Map(), showing: new Map() };

/** The next roster after an event; events about something else change nothing. */
export function applyEvent(roster: Roster, event: RoomEvent): RosterStep {
  switch (event.type) {
    case "participant_joined":
      return introduce(roster, readParticipant(event.data));
    case "participant_left":
      return dismiss(roster, event.data);
    case "track_published":
    case "track_unpublished":
      return publish(roster, event.data, event.type === "track_published");
    case "muted":
    case "unmuted":
      return mute(roster, event.data, event.type === "muted");
    case "role_changed":
      return promote(roster, event.data);
    case "slots":
      return assign(roster, event.data);
    default:
      return { roster, changes: [] };
  }
}

/**
 * Takes in the list of who takes part. `stale`: ids known from an earlier connection; those that
 * the list does not name are gone. Others that it does not name came while it was on its way.
 */
export function applyList(
  roster: Roster,
  list: readonly ParticipantInfo[],
  stale: Iterable<string> = [],
): RosterStep {
  const present = new Set(list.map((participant) => participant.id));
  const changes: RosterChange[] = [];
  let next = roster;
  const take = (step: RosterStep) => {
    next = step.roster;
    changes.push(...step.changes);
  };
  for (const id of stale) {
    if (!present.has(id)) take(dismiss(next, { participant_id: id, reason: "left" }));
  }
  for (const participant of list) take(admit(next, participant));
  return { roster: next, changes };
}

/** The peer connection was replaced: no section of the old one shows anything any more. */
export function clearShowing(roster: Roster): RosterStep {
  const changes = [...roster.showing.values()].map(
    (showing): RosterChange => ({ kind: "hidden", showing }),
  );
  return { roster: { ...roster, showing: new Map() }, changes };
}

/** An introduction does not say who is silent: events of their own do. */
function introduce(roster: Roster, info: ParticipantInfo): RosterStep {
  const muted = roster.participants.get(info.id)?.muted ?? [];
  return admit(roster, { ...info, muted });
}

function admit(roster: Roster, info: ParticipantInfo): RosterStep {
  const known = roster.participants.get(info.id);
  const name = info.name || known?.name || "";
  const userId = info.userId ?? known?.userId ?? null;
  const { role } = info;
  const muted = `${info.muted}` === `${known?.muted}` && known ? known.muted : info.muted;
  const same = known?.name === name && known.userId === userId && known.role === role;
  if (same && known.muted === muted) return { roster, changes: [] };
  const sources = known?.sources ?? new Set<Source>();
  const participant = { id: info.id, userId, name, role, muted, sources };
  const participants = new Map(roster.participants).set(info.id, participant);
  return {
    roster: { ...roster, participants },
    changes: [{ kind: known ? "changed" : "joined", participant }],
  };
}

function dismiss(roster: Roster, data: Json): RosterStep {
  const id = asText(data.participant_id, "participant_left.participant_id");
  const participant = roster.participants.get(id);
  if (!participant) return { roster, changes: [] };
  const participants = new Map(roster.participants);
  participants.delete(id);
  const showing = new Map(roster.showing);
  const changes: RosterChange[] = [];
  for (const shown of roster.showing.values()) {
    if (shown.participantId !== id) continue;
    showing.delete(shown.mid);
    changes.push({ kind: "hidden", showing: shown });
  }
  const reason = typeof data.reason === "string" ? data.reason : "left";
  changes.push({ kind: "left", participant, reason });
  return { roster: { participants, showing }, changes };
}

function publish(roster: Roster, data: Json, on: boolean): RosterStep {
  const source = asSource(data.source);
  const id = asText(data.participant_id, "track.participant_id");
  const known = roster.participants.get(id);
  if (!source || !known || known.sources.has(source) === on) return { roster, changes: [] };
  const sources = new Set(known.sources);
  if (on) sources.add(source);
  else sources.delete(source);
  return replace(roster, [{ ...known, sources }]);
}

function mute(roster: Roster, data: Json, on: boolean): RosterStep {
  const source = asSource(data.source);
  const known = roster.participants.get(asText(data.participant_id, "muted.participant_id"));
  if (!source || !known || known.muted.includes(source) === on) return { roster, changes: [] };
  const rest = known.muted.filter((other) => other !== source);
  return replace(roster, [{ ...known, muted: on ? [...rest, source] : rest }]);
}

/** A membership is the user's: it shows on every device. */
function promote(roster: Roster, data: Json): RosterStep {
  const userId = asText(data.user_id, "role_changed.user_id");
  const role = asRole(data.role);
  const own = [...roster.participants.values()].filter((one) => one.userId === userId);
  return replace(
    roster,
    own.filter((one) => one.role !== role).map((one) => ({ ...one, role })),
  );
}

function replace(roster: Roster, changed: readonly Participant[]): RosterStep {
  const participants = new Map(roster.participants);
  for (const participant of changed) participants.set(participant.id, participant);
  return {
    roster: { ...roster, participants },
    changes: changed.map((participant) => ({ kind: "changed", participant })),
  };
}

/** Only the sections named in the event change. */
function assign(roster: Roster, data: Json): RosterStep {
  let participants = roster.participants;
  const showing = new Map(roster.showing);
  const changes: RosterChange[] = [];
  for (const entry of asList(data.slots, "slots.slots")) {
    const slot = asObject(entry, "slot");
    const mid = asText(slot.mid, "slot.mid");
    const next = readShowing(mid, slot);
    const before = showing.get(mid);
    if (before?.participantId === next?.participantId && before?.source === next?.source) continue;
    showing.delete(mid);
    if (before) changes.push({ kind: "hidden", showing: before });
    if (!next) continue;
    showing.set(mid, next);
    // A slot may name somebody before participant_joined came: the name follows.
    if (!participants.has(next.participantId)) {
      const step = introduce({ participants, showing }, unnamed(next.participantId));
      participants = step.roster.participants;
      changes.push(...step.changes);
    }
    changes.push({ kind: "shown", showing: next });
  }
  return { roster: { participants, showing }, changes };
}

const unnamed = (id: string): ParticipantInfo => ({
  id,
  userId: null,
  name: "",
  role: "participant",
  muted: [],
});

function readShowing(mid: string, slot: Json): Showing | undefined {
  const source = asSource(slot.source);
  const participantId = slot.participant_id;
  if (!source || typeof participantId !== "string") return undefined;
  return { mid, participantId, source };
}
