import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { AppError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { type Answer, readAnswer } from "../../src/tools/sdp/answer.ts";
import type { OfferSection } from "../../src/tools/sdp/sections.ts";
import { ANSWERED, channel, inactive, receive, send } from "./fixtures/sdp/offers.ts";

function recorded(name: string): string {
  return readFileSync(`${import.meta.dir}/fixtures/sdp/${name}.sdp`, "utf8");
}

function read(name: string, edit: (sdp: string) => string = (sdp) => sdp): Answer {
  return readAnswer(edit(recorded(name)), ANSWERED[name]!);
}

function refusal(run: () => unknown): AppError {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    return thrown as AppError;
  }
  throw new Error("the answer was accepted");
}

const FINGERPRINT = `sha-256 ${Array(32).fill("0A").join(":")}`;

/** An answer made by hand: each section's lines follow its mid. */
function made(...sections: readonly string[][]): string {
  const head = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
  const session = [`a=fingerprint:${FINGERPRINT}`, "a=setup:passive"];
  return `${[...head, ...session, ...sections.flat()].join("\r\n")}\r\n`;
}

const CHANNEL = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:0"];

const AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 100", "a=mid:1", "a=rtpmap:100 opus/48000/2"];

const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 101 102 103 104",
  "a=mid:1",
  "a=rtpmap:101 VP8/90000",
  "a=rtpmap:102 rtx/90000",
  "a=rtpmap:103 H264/90000",
  "a=rtpmap:104 rtx/90000",
  "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
  "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
];

/** What the client publishes in the one section, answered `sendonly` with these lines on top. */
function published(section: OfferSection, base: readonly string[], ...lines: string[]) {
  const answer = readAnswer(made([...base, "a=sendonly", ...lines]), [section]);
  return answer.published[0]!.rtp;
}

describe("answers of real clients", () => {
  test("Chromium publishes in warm sections and receives in slots", () => {
    const answer = read("chromium-slots");
    expect(answer.dtls.role).toBe("server");
    expect(answer.channel).toBe(true);
    expect(answer.accepted).toEqual(["4", "5"]);
    expect(answer.rejected).toEqual([]);
    expect(answer.acceptedCodecs).toEqual(["audio/opus", "video/vp8", "video/rtx", "video/h264"]);
    expect(answer.published.map(({ mid, source, kind }) => [mid, source, kind])).toEqual([
      ["1", "audio", "audio"],
      ["2", "video", "video"],
      ["3", "screen", "video"],
    ]);
    const [audio, camera, screen] = answer.published.map(({ rtp }) => rtp);
    expect(audio!.codecs).toEqual([
      {
        mimeType: "audio/opus",
        payloadType: 100,
        clockRate: 48_000,
        channels: 2,
        parameters: { minptime: 10, useinbandfec: 1 },
        rtcpFeedback: [{ type: "transport-cc" }],
      },
    ]);
    expect(audio!.encodings[0]!.ssrc).toBeGreaterThan(0);
    expect(audio!.rtcp!.cname).toMatch(/^[A-Za-z0-9+/]{16}$/);
    expect(camera!.codecs.map(({ payloadType }) => payloadType)).toEqual([101, 102]);
    expect(camera!.codecs[1]!.parameters).toEqual({ apt: 101 });
    expect(camera!.encodings).toEqual([
      { rid: "l", scalabilityMode: "L1T3" },
      { rid: "m", scalabilityMode: "L1T3" },
      { rid: "h", scalabilityMode: "L1T3" },
    ]);
    expect(screen!.encodings[0]!.rtx!.ssrc).toBeGreaterThan(0);
    expect(screen!.encodings[0]!.scalabilityMode).toBeUndefined();
  });

  test("Chromium without tracks only receives", () => {
    const answer = read("chromium-watching");
    expect(answer.published).toEqual([]);
    expect(answer.accepted).toEqual(["4", "5"]);
    expect(answer.rejected).toEqual([
      { mid: "1", source: "audio", reason: "not_sending" },
      { mid: "2", source: "video", reason: "not_sending" },
      { mid: "3", source: "screen", reason: "not_sending" },
    ]);
  });

  test("a pool's slots are accepted and an inactive section is passed over", () => {
    const answer = read("chromium-pool");
    expect(answer.accepted).toEqual(["4", "5", "6", "7", "8", "9", "10", "11", "12", "13"]);
    expect(answer.rejected).toEqual([]);
  });

  test("a channel alone has no codecs", () => {
    const answer = read("chromium-data");
    expect(answer.channel).toBe(true);
    expect(answer.acceptedCodecs).toEqual([]);
  });

  test("libdatachannel names no SSRC: its streams go by MID", () => {
    const answer = read("node-datachannel-slots");
    expect(answer.published.map(({ rtp }) => rtp.encodings)).toEqual([[{}], [{}], [{}]]);
    expect(answer.accepted).toEqual(["4", "5"]);
  });

  test("line ends may be LF", () => {
    const unix = read("chromium-slots", (sdp) => sdp.replaceAll("\r\n", "\n"));
    expect(unix).toEqual(read("chromium-slots"));
  });
});

describe("what an answer may say", () => {
  test.each([
    ["passive", "server"],
    ["active", "client"],
  ] as const)("setup %s makes the client's role %s", (setup, role) => {
    const sdp = made(CHANNEL).replace("setup:passive", `setup:${setup}`);
    expect(readAnswer(sdp, [channel()]).dtls).toEqual({
      role,
      fingerprints: [{ algorithm: "sha-256", value: FINGERPRINT.slice(8) }],
    });
  });

  test("fingerprints of weak hashes are passed over, SHA-256 comes first", () => {
    const sdp = made([
      ...CHANNEL,
      `a=fingerprint:sha-1 ${Array(20).fill("aa").join(":")}`,
      `a=fingerprint:SHA-512 ${Array(64).fill("ab").join(":")}`,
    ]);
    const { fingerprints } = readAnswer(sdp, [channel()]).dtls;
    expect(fingerprints.map(({ algorithm }) => algorithm)).toEqual(["sha-256", "sha-512"]);
    expect(fingerprints[1]!.value).toStartWith("AB:AB:");
  });

  test("refused and idle sections are named with the reason", () => {
    const mids = (lines: readonly string[], mid: string) =>
      lines.map((line) => (line === "a=mid:1" ? `a=mid:${mid}` : line));
    const sdp = made(
      ["m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:0"],
      ["m=audio 0 UDP/TLS/RTP/SAVPF 100"],
      [...mids(AUDIO, "2"), "a=inactive"],
      [...mids(AUDIO, "3"), "a=inactive"],
      ["m=video 9 UDP/TLS/RTP/SAVPF 97", "a=mid:4", "a=sendonly", "a=rtpmap:97 AV1/90000"],
      ["m=video 9 UDP/TLS/RTP/SAVPF 97", "a=mid:5", "a=recvonly", "a=rtpmap:97 AV1/90000"],
      [...mids(AUDIO, "6"), "a=sendrecv"],
    );
    const answer = readAnswer(sdp, [
      channel(),
      receive("1", "audio"),
      receive("2", "audio"),
      send("3", "audio"),
      receive("4", "video"),
      send("5", "video"),
      inactive("6", "audio"),
    ]);
    expect(answer.channel).toBe(false);
    expect(answer.published).toEqual([]);
    expect(answer.accepted).toEqual([]);
    expect(answer.rejected).toEqual([
      { mid: "1", source: "audio", reason: "refused" },
      { mid: "2", source: "audio", reason: "not_sending" },
      { mid: "3", reason: "not_receiving" },
      { mid: "4", source: "video", reason: "no_codec" },
      { mid: "5", reason: "no_codec" },
    ]);
  });

  test("a kind without a slot takes its codecs from what the client can send", () => {
    const answer = readAnswer(made([...VIDEO, "a=inactive"]), [receive("1", "video")]);
    expect(answer.acceptedCodecs).toEqual(["video/vp8", "video/rtx", "video/h264"]);
  });

  test("the answer's first codec is taken, with its own retransmission", () => {
    const h264First = VIDEO.map((line) => line.replace("101 102 103 104", "103 104 101 102"));
    const rtp = published(
      receive("1", "screen"),
      h264First,
      "a=ssrc:5 cname:c",
      "a=fmtp:103 profile-level-id=42E01F;packetization-mode=1;x-google-start-bitrate=9;__proto__=1",
    );
    expect(rtp.codecs.map(({ payloadType }) => payloadType)).toEqual([103, 104]);
    expect(rtp.codecs[0]!.parameters).toEqual({
      "profile-level-id": "42e01f",
      "packetization-mode": 1,
    });
  });

  test("feedback and header extensions are those that both sides have", () => {
    const rtp = published(
      receive("1", "screen"),
      VIDEO,
      "a=ssrc:5 cname:c",
      "a=rtcp-fb:101 nack pli",
      "a=rtcp-fb:* nack",
      "a=rtcp-fb:101 made up",
      "a=extmap:4/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
      "a=extmap:8/sendonly urn:3gpp:video-orientation",
      "a=extmap:7 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
      "a=extmap:14 urn:not:offered",
    );
    expect(rtp.codecs[0]!.rtcpFeedback).toEqual([
      { type: "nack" },
      { type: "nack", parameter: "pli" },
    ]);
    expect(rtp.headerExtensions.map(({ id }) => id)).toEqual([1, 2, 8]);
  });

  test.each([
    [
      "rids before SSRCs",
      ["a=rid:l send", "a=rid:h send", "a=simulcast:send l;~h", "a=ssrc:9 cname:c"],
      [
        { rid: "l", scalabilityMode: "L1T3" },
        { rid: "h", scalabilityMode: "L1T3" },
      ],
    ],
    [
      "the first alternative of a stream",
      ["a=rid:l send", "a=rid:m send", "a=simulcast:send m,l"],
      [{ rid: "m", scalabilityMode: "L1T3" }],
    ],
    [
      "the FID pair before single SSRCs",
      ["a=ssrc:7 cname:c", "a=ssrc-group:FID 8 9"],
      [{ ssrc: 8, rtx: { ssrc: 9 } }],
    ],
    [
      "the first SSRC",
      ["a=ssrc:4294967295 cname:c", "a=ssrc:8 cname:c"],
      [{ ssrc: 4_294_967_295 }],
    ],
    ["nothing but the MID", [], [{}]],
  ])("streams are told by %s", (_name, lines, encodings) => {
    expect(published(receive("1", "video"), VIDEO, ...lines).encodings).toEqual(encodings);
  });

  test("a pair without a retransmission codec is one stream", () => {
    const plain = VIDEO.map((line) => line.replace(" 102 103 104", ""));
    const rtp = published(receive("1", "screen"), plain, "a=ssrc-group:FID 8 9");
    expect(rtp.encodings).toEqual([{ ssrc: 8 }]);
  });

  test("a cname that is no token is left out", () => {
    expect(
      published(receive("1", "audio"), AUDIO, `a=ssrc:5 cname:${"x".repeat(256)}`).rtcp,
    ).toEqual({
      reducedSize: true,
    });
  });
});

const fill = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));

describe("what is refused, and why", () => {
  const CAMERA = receive("1", "video");
  const AUDIO_OFFER = receive("1", "audio");
  const sending = (base: readonly string[], ...lines: string[]) =>
    made([...base, "a=sendonly", ...lines]);
  const MID_EXT = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid";

  test.each<[string, string, OfferSection, RegExp]>([
    ["nothing", "", channel(), /has 0 sections|Line 1/],
    ["another text", "<html></html>", channel(), /^Line 1 /],
    ["a line without a type", made(["=x", ...CHANNEL]), channel(), /^Line 7 is not a line/],
    ["an empty line inside", made(["", ...CHANNEL]), channel(), /^Line 7 is not a line/],
    ["control characters", made([...CHANNEL, "a=mid:\u0001"]), channel(), /^Line 9 has characters/],
    ["a long line", made([...CHANNEL, `a=${"x".repeat(5_000)}`]), channel(), /^Line 9 is over/],
    ["a long text", "v=0\r\n".padEnd(LIMITS.sdpBytesMax + 1, "x"), channel(), /over \d+ bytes/],
    ["many lines", made(fill(LIMITS.sdpLinesMax, () => "a=x")), channel(), /over \d+ lines/],
    ["many sections", made(fill(101, () => "m=a 9 x y")), channel(), /over 100 sections/],
    ["a section more", made(CHANNEL, AUDIO), channel(), /has 2 sections, the offer had 1/],
    ["a section less", made(), channel(), /has 0 sections, the offer had 1/],
    ["another mid", made(["m=application 9 UDP/DTLS/SCTP x", "a=mid:9"]), channel(), /section 0/],
    ["no mid", made(["m=application 9 UDP/DTLS/SCTP x"]), channel(), /section 0/],
    [
      "another kind",
      made(["m=video 9 UDP/TLS/RTP/SAVPF 100", "a=mid:1"]),
      AUDIO_OFFER,
      /another type/,
    ],
    [
      "media without encryption",
      made(["m=audio 9 RTP/AVP 100", "a=mid:1"]),
      AUDIO_OFFER,
      /another type/,
    ],
    [
      "a port that is none",
      made(["m=audio 99999 UDP/TLS/RTP/SAVPF 100", "a=mid:1"]),
      AUDIO_OFFER,
      /valid port/,
    ],
    ["another SCTP port", made([...CHANNEL, "a=sctp-port:6000"]), channel(), /SCTP port 5000/],
    [
      "no fingerprint",
      made(CHANNEL).replace(/a=fingerprint.*\r\n/, ""),
      channel(),
      /no fingerprint/,
    ],
    [
      "a short fingerprint",
      made(CHANNEL).replace(":0A\r\n", "\r\n"),
      channel(),
      /^Line 5 is not a fingerprint/,
    ],
    [
      "a fingerprint that is not hexadecimal",
      made(CHANNEL).replace(":0A\r\n", ":XY\r\n"),
      channel(),
      /^Line 5/,
    ],
    [
      "two fingerprints",
      made([...CHANNEL, `a=fingerprint:${FINGERPRINT.replace("0A", "0B")}`]),
      channel(),
      /^Line 9 has a second/,
    ],
    ["setup actpass", made(CHANNEL).replace("passive", "actpass"), channel(), /setup must be/],
    ["no setup", made(CHANNEL).replace("a=setup:passive\r\n", ""), channel(), /setup must be/],
    ["two setups", made([...CHANNEL, "a=setup:active"]), channel(), /setup must be/],
    [
      "another codec for a payload type",
      sending(AUDIO.with(2, "a=rtpmap:100 PCMU/8000")),
      AUDIO_OFFER,
      /payload type 100/,
    ],
    [
      "another clock rate",
      sending(AUDIO.with(2, "a=rtpmap:100 opus/16000/2")),
      AUDIO_OFFER,
      /payload type 100/,
    ],
    ["a payload type without a codec", sending(AUDIO.slice(0, 2)), AUDIO_OFFER, /payload type 100/],
    [
      "many payload types",
      made([`m=audio 9 UDP/TLS/RTP/SAVPF ${fill(65, String).join(" ")}`, "a=mid:1"]),
      AUDIO_OFFER,
      /over 64 payload/,
    ],
    [
      "a parameter out of bounds",
      sending(AUDIO, MID_EXT, "a=fmtp:100 minptime=99999"),
      AUDIO_OFFER,
      /parameter minptime/,
    ],
    [
      "a parameter that is no number",
      sending(AUDIO, MID_EXT, "a=fmtp:100 stereo=yes"),
      AUDIO_OFFER,
      /parameter stereo/,
    ],
    [
      "a profile that is none",
      sending(VIDEO.with(0, "m=video 9 UDP/TLS/RTP/SAVPF 103"), "a=fmtp:103 profile-level-id=42e0"),
      CAMERA,
      /profile-level-id/,
    ],
    [
      "another extension under an offered id",
      sending(AUDIO, "a=extmap:1 urn:3gpp:video-orientation"),
      AUDIO_OFFER,
      /header extension 1/,
    ],
    [
      "an encrypted extension",
      sending(
        AUDIO,
        "a=extmap:1 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:sdes:mid",
      ),
      AUDIO_OFFER,
      /header extension 1/,
    ],
    [
      "a rid that was not offered",
      sending(VIDEO, "a=rid:x send", "a=simulcast:send x"),
      CAMERA,
      /not offered/,
    ],
    ["a rid that is not declared", sending(VIDEO, "a=simulcast:send l"), CAMERA, /not offered/],
    ["a rid twice", sending(VIDEO, "a=rid:l send", "a=simulcast:send l;l"), CAMERA, /twice/],
    [
      "simulcast of a screen",
      sending(VIDEO, "a=rid:l send", "a=simulcast:send l"),
      receive("1", "screen"),
      /not offered/,
    ],
    [
      "simulcast without the rid extension",
      sending(VIDEO.slice(0, -1), "a=rid:l send", "a=simulcast:send l"),
      CAMERA,
      /rid header extension/,
    ],
    ["neither SSRC nor MID", sending(AUDIO), AUDIO_OFFER, /neither an SSRC/],
    ["an SSRC above 32 bits", sending(AUDIO, "a=ssrc:4294967296 cname:x"), AUDIO_OFFER, /32 bit/],
    ["SSRC 0", sending(AUDIO, "a=ssrc:0 cname:x"), AUDIO_OFFER, /32 bit/],
    ["half a pair", sending(VIDEO, "a=ssrc-group:FID 5"), CAMERA, /32 bit/],
    ["a pair of the same", sending(VIDEO, "a=ssrc-group:FID 5 5"), CAMERA, /in use/],
  ])("%s", (_name, sdp, section, message) => {
    const error = refusal(() => readAnswer(sdp, [section]));
    expect(error).toMatchObject({ kind: "invalid", code: "invalid_sdp" });
    expect(error.message).toMatch(message);
    expect(error.message).toEndWith(".");
  });

  test("an SSRC in two sections", () => {
    const second = AUDIO.with(1, "a=mid:2");
    const lines = ["a=sendonly", "a=ssrc:5 cname:x"];
    const sdp = made([...AUDIO, ...lines], [...second, ...lines]);
    const sections = [receive("1", "audio"), receive("2", "audio")];
    expect(refusal(() => readAnswer(sdp, sections)).message).toBe(
      "Section 2 has an SSRC in use already.",
    );
  });
});
