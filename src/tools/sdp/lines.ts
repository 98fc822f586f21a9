/**
 * The first pass over a client's session description: bounds, and only the lines that are read.
 * What a general parser would choke on, or spend time on, never reaches it.
 */

import { type AppError, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { DtlsFingerprint } from "./types.ts";

/** 400 with a sentence that names the line or section at fault. */
export function invalidSdp(message: string): AppError {
  return fail.invalid("invalid_sdp", message);
}

export interface ScannedLines {
  /** The lines that are read further, one a line. */
  readonly text: string;
  /** Every distinct one, of any section. */
  readonly fingerprints: readonly DtlsFingerprint[];
  /** Values of `a=setup`, distinct. */
  readonly setups: ReadonlySet<string>;
  readonly sections: number;
}

const READ_ATTRIBUTES = new Set([
  "mid",
  "sendrecv",
  "sendonly",
  "recvonly",
  "inactive",
  "rtpmap",
  "fmtp",
  "rtcp-fb",
  "extmap",
  "rid",
  "simulcast",
  "ssrc",
  "ssrc-group",
  "sctp-port",
]);

/** Length of the value in hexadecimal pairs. SHA-1 and MD5 are not accepted (RFC 8122). */
const FINGERPRINT_PAIRS: Readonly<Record<string, number>> = {
  "sha-256": 32,
  "sha-384": 48,
  "sha-512": 64,
};

/** Error: 400 `invalid_sdp` for size, shape of a line, and fingerprints. */
export function scanLines(sdp: string): ScannedLines {
  if (sdp.length > LIMITS.sdpBytesMax) {
    throw invalidSdp(`The session description is over ${LIMITS.sdpBytesMax} bytes long.`);
  }
  const lines = sdp.split("\n", LIMITS.sdpLinesMax + 2);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > LIMITS.sdpLinesMax) {
    throw invalidSdp(`The session description has over ${LIMITS.sdpLinesMax} lines.`);
  }
  const kept: string[] = [];
  const fingerprints = new Map<string, DtlsFingerprint>();
  const setups = new Set<string>();
  let sections = 0;
  for (const [index, raw] of lines.entries()) {
    const line = readLine(raw, index);
    if (line.startsWith("m=") && ++sections > LIMITS.sdpSectionsMax) {
      throw invalidSdp(`The session description has over ${LIMITS.sdpSectionsMax} sections.`);
    }
    const attribute = attributeName(line);
    if (attribute === "fingerprint") addFingerprint(fingerprints, line, index);
    else if (attribute === "setup") setups.add(line.slice("a=setup:".length));
    else if (isRead(line, attribute)) kept.push(checkAscii(line, index));
  }
  const text = kept.join("\r\n");
  return { text, fingerprints: [...fingerprints.values()], setups, sections };
}

function readLine(raw: string, index: number): string {
  const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
  if (index === 0 && line !== "v=0") throw invalidSdp('Line 1 must be "v=0".');
  if (line.length > LIMITS.sdpLineCharsMax) {
    throw invalidSdp(`Line ${index + 1} is over ${LIMITS.sdpLineCharsMax} characters long.`);
  }
  if (!/^[a-z]=/.test(line)) {
    throw invalidSdp(`Line ${index + 1} is not a line of a session description.`);
  }
  return line;
}

function attributeName(line: string): string | undefined {
  if (!line.startsWith("a=")) return undefined;
  const colon = line.indexOf(":");
  return line.slice(2, colon < 0 ? undefined : colon);
}

function isRead(line: string, attribute: string | undefined): boolean {
  if (attribute !== undefined) return READ_ATTRIBUTES.has(attribute);
  return line.startsWith("m=") || line.startsWith("v=");
}

function checkAscii(line: string, index: number): string {
  if (/^[ -~]*$/.test(line)) return line;
  throw invalidSdp(`Line ${index + 1} has characters outside printable ASCII.`);
}

function addFingerprint(found: Map<string, DtlsFingerprint>, line: string, index: number): void {
  const [algorithm = "", value = "", ...rest] = line.slice("a=fingerprint:".length).split(" ");
  const name = algorithm.toLowerCase();
  if (!Object.hasOwn(FINGERPRINT_PAIRS, name)) return;
  const pairs = FINGERPRINT_PAIRS[name] ?? 0;
  const wellFormed = /^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$/.test(value);
  if (!wellFormed || value.length !== pairs * 3 - 1 || rest.length > 0) {
    throw invalidSdp(`Line ${index + 1} is not a fingerprint: ${pairs} pairs of hexadecimals.`);
  }
  const known = found.get(name);
  const fingerprint = { algorithm: name, value: value.toUpperCase() };
  if (known !== undefined && known.value !== fingerprint.value) {
    throw invalidSdp(`Line ${index + 1} has a second fingerprint: there is one connection.`);
  }
  found.set(name, fingerprint);
}
