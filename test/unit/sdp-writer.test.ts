import { describe, expect, test } from "bun:test";
import { FAKE_CAPABILITIES } from "../../src/infra/media/fake-parameters.ts";
import { type OfferSection, writeOffer } from "../../src/tools/sdp/writer.ts";
import { channel, inactive, receive, send, TRANSPORT } from "./fixtures/sdp/offers.ts";

const MID_EXTMAP = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid";

function offer(sections: readonly OfferSection[], options: { setup?: "actpass" } = {}): string {
  return writeOffer({ sessionId: "7001", version: 3, transport: TRANSPORT, sections, ...options });
}

/** The session part, then each section, as lists of lines. */
function parts(sections: readonly OfferSection[]): string[][] {
  const blocks = offer(sections).split(/(?=m=)/);
  return blocks.map((block) => block.trimEnd().split("\r\n"));
}

/** The lines of the one section that follows a channel. */
function linesOf(section: OfferSection): string[] {
  return parts([channel(), section])[2]!;
}

describe("an offer", () => {
  test("ends every line with CRLF and has no empty one", () => {
    const lines = offer([channel(), receive("1", "audio")]).split("\r\n");
    expect(lines.pop()).toBe("");
    expect(lines.every((line) => /^[a-z]=[^\r\n]+$/.test(line))).toBe(true);
  });

  test("names the session, an ICE-lite server that begins DTLS, and the bundle", () => {
    const [session] = parts([channel(), receive("1", "audio"), send("x2", "video")]);
    expect(session).toEqual([
      "v=0",
      "o=- 7001 3 IN IP4 127.0.0.1",
      "s=-",
      "t=0 0",
      "a=ice-lite",
      `a=fingerprint:sha-256 ${TRANSPORT.dtls.fingerprints[0]!.value}`,
      "a=setup:active",
      "a=extmap-allow-mixed",
      "a=msid-semantic: WMS *",
      "a=group:BUNDLE 0 1 x2",
    ]);
  });

  test("says actpass when asked to", () => {
    expect(offer([channel()], { setup: "actpass" })).toContain("a=setup:actpass\r\n");
  });

  test("has the data channel's transport, with candidates in the first section only", () => {
    const [, first, second] = parts([channel(), receive("1", "audio")]);
    expect(first).toEqual([
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
      "c=IN IP4 0.0.0.0",
      "a=mid:0",
      `a=ice-ufrag:${TRANSPORT.ice.usernameFragment}`,
      `a=ice-pwd:${TRANSPORT.ice.password}`,
      "a=candidate:udpcandidate0 1 udp 1076558079 127.0.0.1 20000 typ host",
      "a=candidate:tcpcandidate0 1 tcp 1076276479 127.0.0.1 20000 typ host tcptype passive",
      "a=end-of-candidates",
      "a=sctp-port:5000",
      "a=max-message-size:262144",
    ]);
    expect(second!.some((line) => line.startsWith("a=candidate"))).toBe(false);
    expect(second).toContain(`a=ice-ufrag:${TRANSPORT.ice.usernameFragment}`);
  });

  test("asks a microphone for audio without layers", () => {
    const lines = linesOf(receive("1", "audio"));
    expect(lines[0]).toBe("m=audio 9 UDP/TLS/RTP/SAVPF 100");
    expect(lines).toContain("a=recvonly");
    expect(lines).toContain("a=rtcp-mux");
    expect(lines).toContain("a=rtpmap:100 opus/48000/2");
    expect(lines).toContain("a=fmtp:100 useinbandfec=1");
    expect(lines.some((line) => /simulcast|a=rid|start-bitrate|msid/.test(line))).toBe(false);
  });

  test("asks a camera for three layers, VP8 first, at a bitrate where all fit", () => {
    const lines = linesOf(receive("2", "video"));
    expect(lines[0]).toBe("m=video 9 UDP/TLS/RTP/SAVPF 101 102 103 104");
    expect(lines.slice(-4)).toEqual([
      "a=rid:l recv",
      "a=rid:m recv",
      "a=rid:h recv",
      "a=simulcast:recv l;m;h",
    ]);
    expect(lines).toContain("a=rtcp-fb:101 nack pli");
    expect(lines).toContain("a=fmtp:101 x-google-start-bitrate=1500");
    expect(lines).toContain("a=fmtp:102 apt=101");
    const h264 = lines.find((line) => line.startsWith("a=fmtp:103 "));
    expect(h264).toContain("packetization-mode=1");
    expect(h264).toContain("x-google-start-bitrate=1500");
  });

  test("asks a screen for one stream", () => {
    const lines = linesOf(receive("3", "screen"));
    expect(lines).toContain("a=fmtp:101 x-google-start-bitrate=1500");
    expect(lines.some((line) => /simulcast|a=rid/.test(line))).toBe(false);
  });

  test("offers a slot with a fixed track and no SSRC", () => {
    const lines = linesOf(send("4", "video"));
    expect(lines[0]).toBe("m=video 9 UDP/TLS/RTP/SAVPF 101 102 103 104");
    expect(lines).toContain("a=sendonly");
    expect(lines).toContain("a=msid:s4 t4");
    expect(lines).toContain(MID_EXTMAP);
    expect(lines.some((line) => /a=ssrc|start-bitrate|a=rid/.test(line))).toBe(false);
  });

  test("keeps an inactive section's codecs; a refused one has port 0 outside the bundle", () => {
    const lines = linesOf(inactive("5", "video"));
    expect(lines[0]).toBe("m=video 9 UDP/TLS/RTP/SAVPF 101 102 103 104");
    expect(lines).toContain("a=inactive");
    const [session, , refused] = parts([channel(), inactive("6", "audio", true)]);
    expect(session).toContain("a=group:BUNDLE 0");
    expect(refused![0]).toBe("m=audio 0 UDP/TLS/RTP/SAVPF 100");
    expect(refused!.some((line) => line.startsWith("a=ice-"))).toBe(false);
  });

  test.each([
    ["receive", receive("1", "video"), [1, 2, 3, 4, 5, 8, 9, 10, 11]],
    ["receive", receive("1", "audio"), [1, 4, 5, 6, 10, 11]],
    ["send", send("1", "video"), [1, 4, 5, 8, 9, 10, 11]],
    ["send", send("1", "audio"), [1, 4, 6, 10, 11]],
    ["inactive", inactive("1", "audio"), [1, 4, 6, 10, 11]],
  ])("offers header extensions of the direction: %s %#", (_name, section, ids) => {
    const found = linesOf(section).flatMap((line) => /^a=extmap:(\d+) /.exec(line)?.[1] ?? []);
    expect(found.map(Number)).toEqual(ids);
  });

  test.each([
    ["a mid that is used twice", [channel("0"), receive("0", "audio")]],
    ["a mid with a line end", [channel("0\r\na=x")]],
    ["a mid that is longer than the header extension", [channel("123456789")]],
    [
      "a track that is used twice",
      [send("1", "audio"), { ...send("2", "audio"), streamId: "s1", trackId: "t1" }],
    ],
    ["a stream id with a line end", [{ ...send("2", "audio"), streamId: "s\nx" }]],
  ])("asserts against %s", (_name, sections) => {
    expect(() => offer(sections as OfferSection[])).toThrow("assertion failed");
  });

  test("writes the same codecs for all sections of a kind", () => {
    const codecs = (section: OfferSection) =>
      linesOf(section).filter((line) => line.startsWith("a=rtpmap"));
    expect(codecs(send("1", "video"))).toEqual(codecs(receive("1", "video")));
    expect(codecs(send("1", "video"))).toHaveLength(
      FAKE_CAPABILITIES.codecs.filter(({ kind }) => kind === "video").length,
    );
  });
});
