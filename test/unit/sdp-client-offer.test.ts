/** Offers of clients (WHIP and WHEP): what of them is taken, and what the answer says. */

import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { FAKE_CAPABILITIES, fakeTransport } from "../../src/infra/media/fake-parameters.ts";
import { playSections, readPlayOffer, readPublishOffer } from "../../src/tools/sdp/client-offer.ts";
import { writeAnswer } from "../../src/tools/sdp/writer.ts";
import { clientOffer, SIMULCAST } from "../features/client-offers.ts";

const transport = fakeTransport(1, 0, 20_000);
const publish = (sdp: string) => readPublishOffer(sdp, FAKE_CAPABILITIES, ["audio", "video"]);
const play = (sdp: string) => readPlayOffer(sdp, FAKE_CAPABILITIES);
const sending = clientOffer({ direction: "sendonly", video: SIMULCAST });
const playing = clientOffer({ direction: "recvonly" });

describe("an offer to publish", () => {
  test("is taken with the client's own payload types, extensions and streams", () => {
    const { dtls, published } = publish(sending);
    expect(dtls.role).toBe("client");
    expect(published.map(({ mid, source }) => `${mid} ${source}`)).toEqual(["0 audio", "1 video"]);
    const [audio, video] = published.map(({ rtp }) => rtp);
    expect(audio?.codecs.map(({ payloadType }) => payloadType)).toEqual([111]);
    expect(audio?.encodings).toEqual([{ ssrc: 1001 }]);
    expect(audio?.headerExtensions.map(({ id }) => id)).toEqual([1, 4]);
    expect(video?.codecs.map(({ payloadType }) => payloadType)).toEqual([96, 97]);
    expect(video?.codecs[1]?.parameters).toEqual({ apt: 96 });
    expect(video?.encodings.map(({ rid }) => rid)).toEqual(["a", "b"]);
  });

  test("is answered with one codec a section, its streams, and DTLS awaited", () => {
    const { sections } = publish(sending);
    const sdp = writeAnswer({ sessionId: "1", version: 1, transport, sections });
    expect(sdp).toContain("a=setup:passive\r\n");
    expect(sdp).toContain("a=group:BUNDLE 0 1\r\n");
    expect(sdp.match(/^m=.*$/gm)?.map((line) => line.trim())).toEqual([
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    ]);
    expect(sdp.match(/^a=(recvonly|sendonly|sendrecv)/gm)).toEqual(["a=recvonly", "a=recvonly"]);
    expect(sdp).toContain("a=simulcast:recv a;b\r\n");
    expect(sdp).toContain("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n");
  });

  test("loses the sections that the client may not fill", () => {
    const { published, sections } = readPublishOffer(sending, FAKE_CAPABILITIES, ["audio"]);
    expect(published.map(({ mid }) => mid)).toEqual(["0"]);
    const sdp = writeAnswer({ sessionId: "1", version: 1, transport, sections });
    expect(sdp).toContain("a=group:BUNDLE 0\r\n");
    expect(sdp).toMatch(/^m=video 0 /m);
  });

  test("falls to the H264 that the room has where there is no VP8", () => {
    const { published } = publish(sending.replace("VP8/90000", "VP9/90000"));
    const codec = published.find(({ source }) => source === "video")?.rtp.codecs[0];
    expect(codec).toMatchObject({ mimeType: "video/H264", payloadType: 109 });
  });
});

describe("an offer to play", () => {
  test("says which payload types the client knows, and is answered with those alone", () => {
    const offer = play(playing);
    expect(offer.payloadTypes).toEqual({ opus: 111, vp8: 96, h264: 109 });
    const codecs = FAKE_CAPABILITIES.codecs.map((codec) => ({
      ...codec,
      payloadType: { "audio/opus": 111, "video/VP8": 96, "video/H264": 109 }[codec.mimeType] ?? 120,
    }));
    const sections = playSections(offer, { ...FAKE_CAPABILITIES, codecs });
    const sdp = writeAnswer({ sessionId: "1", version: 1, transport, sections });
    expect(sdp.match(/^m=.*$/gm)?.map((line) => line.trim())).toEqual([
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "m=video 9 UDP/TLS/RTP/SAVPF 96 109",
    ]);
    expect(sdp).not.toContain("extmap:");
    expect(sdp).not.toMatch(/rtx|transport-cc|goog-remb/);
    expect(sdp.match(/^a=sendonly/gm)).toHaveLength(2);
  });

  test("with payload types outside their range has none of these", () => {
    const offer = play(playing.replaceAll(/\b111\b/g, "35"));
    expect(offer.media.map(({ wanted }) => wanted)).toEqual([false, true]);
  });
});

const without = (line: RegExp) => sending.replaceAll(line, "");
const hostile: [what: string, sdp: string][] = [
  ["no session description", "hello"],
  ["no fingerprint", without(/^a=fingerprint.*\r\n/gm)],
  ["DTLS the other way round", sending.replaceAll("actpass", "passive")],
  ["a mid twice", sending.replace("a=mid:1", "a=mid:0")],
  ["a mid that is no name", sending.replace("a=mid:1", "a=mid:1;2")],
  ["no mids", without(/^a=mid.*\r\n/gm)],
  [
    "a channel",
    sending.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "m=application 9 UDP/DTLS/SCTP x"),
  ],
  ["plain RTP", sending.replaceAll("UDP/TLS/RTP/SAVPF", "RTP/AVP")],
  ["nothing to take", clientOffer({ direction: "inactive" })],
  [
    "no codec of ours",
    sending.replaceAll("opus", "speex").replaceAll("VP8", "VP9").replaceAll("H264", "AV1"),
  ],
  ["an extension's id twice", sending.replace("extmap:10 ", "extmap:4 ")],
  ["a stream with a strange name", sending.replaceAll(/\ba\b(?=;| send)/g, "a-b")],
  ["five streams", sending.replace("send a;b", "send a;b;c;d;e")],
  ["a stream twice", sending.replace("send a;b", "send a;a")],
  ["many sections", sending + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(9)],
];

test.each(hostile)("an offer with %s is refused", (_what, sdp) => {
  expect(codeOf(() => publish(sdp))).toBe("invalid_sdp");
});

test("what is sent only cannot be played", () => {
  expect(codeOf(() => play(sending))).toBe("invalid_sdp");
});

test("one payload type for two codecs cannot be played", () => {
  const sdp = playing.replaceAll(/\b109\b/g, "111");
  expect(codeOf(() => play(sdp))).toBe("invalid_sdp");
});

function codeOf(work: () => unknown): string {
  try {
    work();
    return "ok";
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
