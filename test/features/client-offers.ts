/** Offers as Chromium makes them, shortened to what is read. */

const HEAD = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1",
  "a=msid-semantic: WMS x",
];

const TRANSPORT = [
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${Array(32).fill("A1").join(":")}`,
  "a=setup:actpass",
  "a=rtcp-mux",
];

const AUDIO = [
  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
  "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
];

const VIDEO = [
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
  "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset",
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack",
  "a=rtcp-fb:96 nack pli",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=rtpmap:103 H264/90000",
  "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
  "a=rtpmap:109 H264/90000",
  "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
];

export interface OfferWishes {
  readonly direction: "sendonly" | "recvonly" | "sendrecv" | "inactive";
  /** Lines added to the video section. */
  readonly video?: readonly string[];
}

export function clientOffer({ direction, video = [] }: OfferWishes): string {
  const streams = direction === "recvonly" ? [] : ["a=ssrc:1001 cname:x"];
  const lines = [
    ...HEAD,
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
    ...TRANSPORT,
    "a=mid:0",
    `a=${direction}`,
    ...AUDIO,
    ...streams,
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 109",
    ...TRANSPORT,
    "a=mid:1",
    `a=${direction}`,
    ...VIDEO,
    ...video,
  ];
  return `${lines.join("\r\n")}\r\n`;
}

export const SIMULCAST = ["a=rid:a send", "a=rid:b send", "a=simulcast:send a;b"];
