/** The routes for mediasoup-client; what is inside its objects keeps its names. */

import { type TSchema, Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { MediaPeer } from "../../../infra/media/engine.ts";
import type { RtpCapabilities } from "../../../tools/sdp/types.ts";
import { DIRECTIONS } from "../runtime/client-transports.ts";
import type { ClientMediaService } from "../service/client-media-service.ts";
import { Done, done, IceServers, Id, oneOf, RoomPath, SourceName, strict } from "./shapes.ts";

const BASE = "/api/rooms/:room_id/mediasoup";

const MediaKindName = oneOf(["audio", "video"]);
const PayloadType = Type.Integer({ minimum: 0, maximum: 127 });
const Ssrc = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });
const ExtensionId = Type.Integer({ minimum: 1, maximum: 14 });
const Short = Type.String({ maxLength: 255 });
const list = <T extends TSchema>(item: T, most: number) => Type.Array(item, { maxItems: most });

/** Browsers put more into these objects than is read here. */
const CodecFields = {
  mimeType: Type.String({ pattern: "^(audio|video)/[A-Za-z0-9.-]{1,32}$" }),
  clockRate: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  channels: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
  parameters: Type.Optional(Type.Record(Short, Type.Unknown(), { maxProperties: 32 })),
  rtcpFeedback: Type.Optional(
    list(Type.Object({ type: Short, parameter: Type.Optional(Short) }), 16),
  ),
};

const ParametersShape = Type.Object({
  mid: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9]{1,8}$" })),
  codecs: list(Type.Object({ ...CodecFields, payloadType: PayloadType }), 16),
  headerExtensions: Type.Optional(list(Type.Object({ uri: Short, id: ExtensionId }), 16)),
  encodings: Type.Optional(
    list(
      Type.Object({
        ssrc: Type.Optional(Ssrc),
        rid: Type.Optional(Type.String({ maxLength: 16 })),
        rtx: Type.Optional(Type.Object({ ssrc: Ssrc })),
        scalabilityMode: Type.Optional(Type.String({ pattern: "^[LS][1-3]T[1-3](h|_KEY)?$" })),
      }),
      LIMITS.simulcastStreamsMax,
    ),
  ),
  rtcp: Type.Optional(
    Type.Object({ cname: Type.Optional(Type.String({ pattern: "^[!-~]{1,255}$" })) }),
  ),
});

const CapabilitiesShape = Type.Object({
  codecs: list(
    Type.Object({
      ...CodecFields,
      kind: MediaKindName,
      preferredPayloadType: Type.Optional(PayloadType),
    }),
    64,
  ),
  headerExtensions: Type.Optional(
    list(Type.Object({ kind: MediaKindName, uri: Short, preferredId: ExtensionId }), 64),
  ),
});

const FINGERPRINT = "^([0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2}$";
const DtlsShape = Type.Object({
  role: Type.Optional(oneOf(["auto", "client", "server"])),
  fingerprints: Type.Array(
    Type.Object({
      algorithm: oneOf(["sha-256", "sha-384", "sha-512"]),
      value: Type.String({ pattern: FINGERPRINT }),
    }),
    { minItems: 1, maxItems: 4 },
  ),
});

const TransportPath = { ...RoomPath, transport_id: Id };
const ConsumerPath = { ...RoomPath, consumer_id: Id };
const ERRORS = ["unauthenticated", "participant_not_found"];

export function clientMediaOperations(service: ClientMediaService): Operation[] {
  return [
    capabilitiesOperation(service),
    ...transportOperations(service),
    ...sendOperations(service),
    consumeOperation(service),
    ...consumerOperations(service),
  ];
}

function capabilitiesOperation(service: ClientMediaService): Operation {
  return defineOperation({
    name: "mediasoup.capabilities",
    kind: "read",
    summary: "What a mediasoup-client Device is loaded with",
    input: Type.Object(RoomPath, strict),
    output: Type.Object({ rtpCapabilities: Type.Unknown() }),
    access: "anyone",
    errors: ["not_found", "media_unavailable"],
    rest: [{ method: "GET", path: `${BASE}/capabilities` }],
    run: async (context, { room_id: roomId }) => ({
      rtpCapabilities: capabilitiesData(await service.capabilities(context, roomId)),
    }),
  });
}

function transportOperations(service: ClientMediaService): Operation[] {
  return [
    defineOperation({
      name: "mediasoup.open",
      kind: "write",
      summary: "Opens a transport; the first one joins the room and answers with a token",
      input: Type.Object({ ...RoomPath, direction: oneOf(DIRECTIONS) }, strict),
      output: Type.Object({
        participant_id: Type.String(),
        participant_token: Type.Optional(Type.String()),
        transport: Type.Unknown(),
        ice_servers: IceServers,
      }),
      access: "anyone",
      limit: { name: "rooms.join", count: LIMITS.roomJoinsPerMinute, windowMs: 60_000 },
      errors: ["not_found", "room_full", "membership_required", "transport_exists"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: [{ method: "POST", path: `${BASE}/transports` }],
      async run(context, { room_id: roomId, direction }) {
        const opened = await service.open(context, roomId, direction);
        const { participantId, token, peer, iceServers } = opened;
        return {
          participant_id: participantId,
          ...(token === undefined ? {} : { participant_token: token }),
          transport: transportData(peer),
          ice_servers: [...iceServers],
        };
      },
    }),
    defineOperation({
      name: "mediasoup.connect",
      kind: "write",
      summary: "Starts DTLS on a transport",
      input: Type.Object({ ...TransportPath, dtlsParameters: DtlsShape }, strict),
      output: Done,
      access: "anyone",
      errors: [...ERRORS, "transport_not_found", "invalid_sdp"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: [{ method: "POST", path: `${BASE}/transports/:transport_id/connect` }],
      async run(context, { room_id: roomId, transport_id: transportId, dtlsParameters }) {
        const { role = "auto", fingerprints } = dtlsParameters;
        const dtls = { role, fingerprints };
        await service.connect(context.caller, roomId, { transportId, dtls });
        return done;
      },
    }),
  ];
}

function sendOperations(service: ClientMediaService): Operation[] {
  return [
    defineOperation({
      name: "mediasoup.produce",
      kind: "write",
      summary: "Begins to send a source",
      input: Type.Object(
        {
          ...TransportPath,
          kind: MediaKindName,
          /** Left out: the microphone or the camera. */
          source: Type.Optional(SourceName),
          rtpParameters: ParametersShape,
        },
        strict,
      ),
      output: Type.Object({ id: Type.String() }),
      access: "anyone",
      errors: [...ERRORS, "transport_not_found", "publish_forbidden", "invalid_sdp"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: [{ method: "POST", path: `${BASE}/transports/:transport_id/produce` }],
      async run(context, { room_id: roomId, transport_id: transportId, ...input }) {
        const { kind, source = kind, rtpParameters: parameters } = input;
        const produce = { transportId, kind, source, parameters };
        return { id: await service.produce(context.caller, roomId, produce) };
      },
    }),
    defineOperation({
      name: "mediasoup.closeProducer",
      kind: "write",
      summary: "Sends a source no longer",
      input: Type.Object({ ...RoomPath, producer_id: Id }, strict),
      output: Done,
      access: "anyone",
      errors: [...ERRORS, "producer_not_found"],
      rest: [{ method: "DELETE", path: `${BASE}/producers/:producer_id` }],
      async run(context, { room_id: roomId, producer_id: producerId }) {
        service.unpublish(context.caller, roomId, producerId);
        return done;
      },
    }),
  ];
}

function consumeOperation(service: ClientMediaService): Operation {
  return defineOperation({
    name: "mediasoup.consume",
    kind: "write",
    summary: "Prepares to receive a participant's source; nothing comes before resume",
    input: Type.Object(
      {
        ...TransportPath,
        participant_id: Id,
        source: SourceName,
        rtpCapabilities: CapabilitiesShape,
      },
      strict,
    ),
    output: Type.Object({
      id: Type.String(),
      producerId: Type.String(),
      kind: MediaKindName,
      rtpParameters: Type.Unknown(),
    }),
    access: "anyone",
    errors: [...ERRORS, "transport_not_found", "source_not_found", "cannot_consume"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "POST", path: `${BASE}/transports/:transport_id/consume` }],
    async run(context, input) {
      const consumer = await service.consume(context.caller, input.room_id, {
        transportId: input.transport_id,
        participantId: input.participant_id,
        source: input.source,
        capabilities: input.rtpCapabilities,
      });
      const { id, producerId, kind, rtp } = consumer;
      return { id, producerId, kind, rtpParameters: rtp };
    },
  });
}

function consumerOperations(service: ClientMediaService): Operation[] {
  const common = {
    kind: "write",
    input: Type.Object(ConsumerPath, strict),
    output: Done,
    access: "anyone",
    errors: [...ERRORS, "consumer_not_found"],
  } as const;
  const pauses = [
    ["resume", false, "Begins to receive what was prepared"],
    ["pause", true, "Receives nothing for a while"],
  ] as const;
  return [
    ...pauses.map(([word, paused, summary]) =>
      defineOperation({
        ...common,
        name: `mediasoup.${word}`,
        summary,
        rest: [{ method: "POST", path: `${BASE}/consumers/:consumer_id/${word}` }],
        async run(context, { room_id: roomId, consumer_id: consumerId }) {
          service.consumer(context.caller, roomId, consumerId).setPaused(paused);
          return done;
        },
      }),
    ),
    defineOperation({
      ...common,
      name: "mediasoup.closeConsumer",
      summary: "Receives a source no longer",
      rest: [{ method: "DELETE", path: `${BASE}/consumers/:consumer_id` }],
      async run(context, { room_id: roomId, consumer_id: consumerId }) {
        service.closeConsumer(context.caller, roomId, consumerId);
        return done;
      },
    }),
  ];
}

function capabilitiesData({ codecs, headerExtensions }: RtpCapabilities) {
  return {
    codecs: codecs.map(({ payloadType, ...codec }) => ({
      ...codec,
      preferredPayloadType: payloadType,
    })),
    headerExtensions: headerExtensions.map(({ id, ...extension }) => ({
      ...extension,
      preferredId: id,
      preferredEncrypt: false,
    })),
  };
}

function transportData({ id, transport }: MediaPeer) {
  return {
    id,
    iceParameters: { ...transport.ice, iceLite: true },
    iceCandidates: transport.candidates.map((candidate) => ({
      ...candidate,
      ip: candidate.address,
    })),
    dtlsParameters: transport.dtls,
  };
}
