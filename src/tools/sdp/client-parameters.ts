/**
 * RTP parameters and capabilities as clients of the ORTC model send them in JSON
 * (mediasoup-client), brought down to what this server knows. Their shapes are checked before; what
 * is not of the room is left out here, so nothing a client makes up reaches the media worker.
 */

import { invalidSdp } from "./lines.ts";
import { formatParameters } from "./rtp.ts";
import { RID } from "./streams.ts";
import type { MediaKind, RtcpFeedback, RtpCapabilities, RtpCodec, RtpParameters } from "./types.ts";

type Values = Readonly<Record<string, unknown>>;

export interface GivenCodec {
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly parameters?: Values;
  readonly rtcpFeedback?: readonly { readonly type: string; readonly parameter?: string }[];
}

export interface GivenParameters {
  readonly mid?: string;
  readonly codecs: readonly (GivenCodec & { readonly payloadType: number })[];
  readonly headerExtensions?: readonly { readonly uri: string; readonly id: number }[];
  readonly encodings?: readonly {
    readonly ssrc?: number;
    readonly rid?: string;
    readonly rtx?: { readonly ssrc: number };
    readonly scalabilityMode?: string;
  }[];
  readonly rtcp?: { readonly cname?: string };
}

export interface GivenCapabilities {
  readonly codecs: readonly (GivenCodec & {
    readonly kind: MediaKind;
    readonly preferredPayloadType?: number;
  })[];
  readonly headerExtensions?: readonly {
    readonly kind: MediaKind;
    readonly uri: string;
    readonly preferredId: number;
  }[];
}

/** What a client will send. Error: 400 `invalid_sdp`. */
export function readParameters(given: GivenParameters, known: RtpCapabilities): RtpParameters {
  const codecs = given.codecs.flatMap((codec) => {
    const match = sameCodec(codec, known.codecs);
    return match === undefined ? [] : [{ ...plain(codec, match), payloadType: codec.payloadType }];
  });
  if (codecs.length === 0) throw invalidSdp("None of the codecs is one of the room.");
  const uris = new Set(known.headerExtensions.map(({ uri }) => uri));
  const encodings = (given.encodings ?? []).map(({ ssrc, rid, rtx, scalabilityMode }) => {
    if (rid !== undefined && !RID.test(rid)) throw invalidSdp("A stream's name cannot be taken.");
    return {
      ...(ssrc === undefined ? {} : { ssrc }),
      ...(rid === undefined ? {} : { rid }),
      ...(rtx === undefined ? {} : { rtx: { ssrc: rtx.ssrc } }),
      ...(scalabilityMode === undefined ? {} : { scalabilityMode }),
    };
  });
  const cname = given.rtcp?.cname;
  return {
    ...(given.mid === undefined ? {} : { mid: given.mid }),
    codecs,
    headerExtensions: (given.headerExtensions ?? [])
      .filter(({ uri }) => uris.has(uri))
      .map(({ uri, id }) => ({ uri, id })),
    encodings,
    rtcp: { reducedSize: true, ...(cname === undefined ? {} : { cname }) },
  };
}

/** What a client can receive. */
export function readCapabilities(
  given: GivenCapabilities,
  known: RtpCapabilities,
): RtpCapabilities {
  const codecs = given.codecs.flatMap((codec): RtpCodec[] => {
    const match = sameCodec(codec, known.codecs);
    if (match === undefined) return [];
    const payloadType = codec.preferredPayloadType ?? match.payloadType;
    return [{ ...plain(codec, match), kind: codec.kind, payloadType }];
  });
  const headerExtensions = (given.headerExtensions ?? []).flatMap(({ kind, uri, preferredId }) =>
    known.headerExtensions.some((each) => each.uri === uri)
      ? [{ kind, uri, id: preferredId, direction: "sendrecv" as const }]
      : [],
  );
  return { codecs, headerExtensions };
}

function sameCodec(given: GivenCodec, known: readonly RtpCodec[]): RtpCodec | undefined {
  const mimeType = given.mimeType.toLowerCase();
  return known.find(
    (codec) => codec.mimeType.toLowerCase() === mimeType && codec.clockRate === given.clockRate,
  );
}

function plain(given: GivenCodec, match: RtpCodec) {
  const { mimeType, clockRate, channels } = match;
  const pairs = Object.entries(given.parameters ?? {}).map(([key, value]) => `${key}=${value}`);
  const apt = given.parameters?.apt;
  const parameters = formatParameters("", pairs.join(";"));
  return {
    mimeType,
    clockRate,
    ...(channels === undefined ? {} : { channels }),
    parameters: Number.isInteger(apt) ? { ...parameters, apt: Number(apt) } : parameters,
    rtcpFeedback: (given.rtcpFeedback ?? []).flatMap(({ type, parameter = "" }): RtcpFeedback[] =>
      (match.rtcpFeedback ?? []).filter(
        (each) => each.type === type && (each.parameter ?? "") === parameter,
      ),
    ),
  };
}
