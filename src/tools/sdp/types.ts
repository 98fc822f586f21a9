/**
 * RTP and transport parameters in ORTC's terms (https://draft.ortc.org), as the media engine and
 * the session descriptions exchange them. Structurally those of mediasoup 3.
 */

export type MediaKind = "audio" | "video";

export interface RtcpFeedback {
  type: string;
  parameter?: string;
}

export interface RtpCodec {
  kind?: MediaKind;
  /** `video/VP8`, `audio/opus`, `video/rtx`. */
  mimeType: string;
  payloadType: number;
  clockRate: number;
  channels?: number;
  parameters?: Record<string, string | number>;
  rtcpFeedback?: RtcpFeedback[];
}

export interface HeaderExtension {
  kind?: MediaKind;
  uri: string;
  id: number;
  direction?: "sendrecv" | "sendonly" | "recvonly" | "inactive";
}

/** What a router can route: the codecs and extensions every offer of its room is made from. */
export interface RtpCapabilities {
  codecs: RtpCodec[];
  headerExtensions: HeaderExtension[];
}

export interface RtpEncoding {
  ssrc?: number;
  rid?: string;
  rtx?: { ssrc: number };
  scalabilityMode?: string;
}

/** One media stream as sent by its owner. */
export interface RtpParameters {
  mid?: string;
  codecs: Omit<RtpCodec, "kind">[];
  headerExtensions: { uri: string; id: number }[];
  encodings: RtpEncoding[];
  rtcp?: { cname?: string; reducedSize?: boolean };
}

export interface IceParameters {
  usernameFragment: string;
  password: string;
}

export interface IceCandidate {
  foundation: string;
  priority: number;
  /** An address or a host name. */
  address: string;
  protocol: "udp" | "tcp";
  port: number;
  type: "host";
  tcpType?: "passive";
}

export interface DtlsFingerprint {
  /** `sha-256`. */
  algorithm: string;
  /** Upper-case hexadecimal pairs with colons. */
  value: string;
}

export interface DtlsParameters {
  role: "client" | "server" | "auto";
  fingerprints: DtlsFingerprint[];
}

/** The server's end of one connection: everything an offer says about transport. */
export interface TransportParameters {
  ice: IceParameters;
  candidates: IceCandidate[];
  dtls: DtlsParameters;
  sctp: { port: number; maxMessageSize: number };
}
